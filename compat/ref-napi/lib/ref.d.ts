/// <reference types="node" />

/**
 * ref-napi: Buffers as pointers. The names of the types are those that programs know from `@types/ref-napi`.
 */

/** A type: how a value lies in memory. Types of your own are objects with these members. */
export interface Type<T = any> {
  /** Bytes of a value; of the innermost one, for pointers. */
  size: number;
  /** 1 for a value, 2 for a pointer to one, and so on. */
  indirection: number;
  get(buffer: Buffer, offset: number): T;
  set(buffer: Buffer, offset: number, value: T): void;
  name?: string | undefined;
  alignment?: number | undefined;
}

/** A Buffer that is a pointer to a `T`. */
export interface Pointer<T> extends Buffer {
  ref(): Pointer<Pointer<T>>;
  deref(): T;
  type: Type<T>;
}

/** For programs to say what a name of a type means to them. */
export interface UnderlyingTypeOverrideRegistry {}

/** What a value of a named type is in JavaScript. */
export interface UnderlyingTypeDefaultRegistry {
  void: void;
  int8: number;
  uint8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  int64: string | number;
  uint64: string | number;
  float: number;
  double: number;
  Object: unknown;
  CString: string | null;
  bool: boolean;
  byte: number;
  char: number;
  uchar: number;
  short: number;
  ushort: number;
  int: number;
  uint: number;
  long: string | number;
  ulong: string | number;
  longlong: string | number;
  ulonglong: string | number;
  size_t: string | number;
  pointer: Pointer<unknown>;
  string: string | null;
  'char*': string;
  'char *': string;
  'byte*': Buffer | Pointer<number>;
  'byte *': Buffer | Pointer<number>;
  'void*': Pointer<unknown>;
  'void *': Pointer<unknown>;
}

export interface UnderlyingTypeRegistry
  extends
    Omit<UnderlyingTypeDefaultRegistry, keyof UnderlyingTypeOverrideRegistry>,
    UnderlyingTypeOverrideRegistry {}

/** For programs that add to `types`. */
export interface TypesOverrideRegistry {}

export interface TypesDefaultRegistry {
  void: Type<void>;
  int8: Type<number>;
  uint8: Type<number>;
  int16: Type<number>;
  uint16: Type<number>;
  int32: Type<number>;
  uint32: Type<number>;
  int64: Type<string | number>;
  uint64: Type<string | number>;
  float: Type<number>;
  double: Type<number>;
  Object: Type<unknown>;
  CString: Type<string | null>;
  bool: Type<boolean>;
  byte: Type<number>;
  char: Type<number>;
  uchar: Type<number>;
  short: Type<number>;
  ushort: Type<number>;
  int: Type<number>;
  uint: Type<number>;
  long: Type<string | number>;
  ulong: Type<string | number>;
  longlong: Type<string | number>;
  ulonglong: Type<string | number>;
  size_t: Type<string | number>;
}

export interface TypesRegistry
  extends Omit<TypesDefaultRegistry, keyof TypesOverrideRegistry>, TypesOverrideRegistry {}

type Stars = '*' | ' *' | '**' | ' **';
export type NamedType =
  'string' | 'pointer' | keyof TypesDefaultRegistry | `${keyof TypesDefaultRegistry}${Stars}`;
export type TypeLike = Type | string;
export type NamedTypeLike = Type | NamedType;

type Trim<S extends string> = S extends ` ${infer U}` ? Trim<U> : S extends `${infer U} ` ? Trim<U> : S;

type Pointed<S extends string> = S extends 'char'
  ? string | null
  : S extends 'byte'
    ? Buffer | Pointer<number>
    : S extends 'void'
      ? Pointer<unknown>
      : Pointer<UnderlyingType<S>>;

/** What a value of the type is in JavaScript. */
export type UnderlyingType<T extends TypeLike> =
  T extends Type<infer U>
    ? U
    : T extends keyof UnderlyingTypeRegistry
      ? UnderlyingTypeRegistry[T]
      : T extends `${infer U}*`
        ? Pointed<Trim<U>>
        : unknown;

type Each<T extends readonly TypeLike[], R extends { [P in keyof T]: unknown }> = Extract<R, any[]>;

export type UnderlyingTypes<T extends readonly TypeLike[]> = Each<
  T,
  { [P in keyof T]: T[P] extends TypeLike ? UnderlyingType<T[P]> : T[P] }
>;

export type CoerceType<T extends TypeLike> = Type<UnderlyingType<T>>;
export type CoerceTypes<T extends readonly TypeLike[]> = Each<
  T,
  { [P in keyof T]: T[P] extends TypeLike ? CoerceType<T[P]> : T[P] }
>;

export type DerefType<T extends TypeLike> = UnderlyingType<T> extends Pointer<infer U> ? Type<U> : never;
export type DerefTypes<T extends readonly TypeLike[]> = Each<
  T,
  { [P in keyof T]: T[P] extends TypeLike ? DerefType<T[P]> : T[P] }
>;

/* --- constants -------------------------------------------------------------------------- */

export interface AlignofRegistry {
  int8: number;
  uint8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  int64: number;
  uint64: number;
  float: number;
  double: number;
  Object: number;
  bool: number;
  char: number;
  uchar: number;
  short: number;
  ushort: number;
  int: number;
  uint: number;
  long: number;
  ulong: number;
  longlong: number;
  ulonglong: number;
  size_t: number;
  pointer: number;
  byte: number;
}

export interface SizeofRegistry {
  int8: number;
  uint8: number;
  int16: number;
  uint16: number;
  int32: number;
  uint32: number;
  int64: number;
  uint64: number;
  float: number;
  double: number;
  Object: number;
  bool: number;
  byte: number;
  char: number;
  uchar: number;
  short: number;
  ushort: number;
  int: number;
  uint: number;
  long: number;
  ulong: number;
  longlong: number;
  ulonglong: number;
  size_t: number;
  pointer: number;
}

/** Bytes a value takes. */
export declare var sizeof: SizeofRegistry;
export declare var alignof: AlignofRegistry;
export declare var types: TypesRegistry;
export declare var endianness: 'LE' | 'BE';
/** The pointer to address 0. */
export declare var NULL: Pointer<null>;
/** A pointer to NULL. */
export declare var NULL_POINTER: Pointer<Pointer<null>>;
/** For native addons. */
export declare var instance: unknown;

/* --- types -------------------------------------------------------------------------------- */

/** @throws {TypeError} for what is no type and no name of one */
export declare function coerceType<T extends NamedType>(type: T): Type<UnderlyingType<T>>;
export declare function coerceType<T extends TypeLike>(type: T): Type<UnderlyingType<T>>;
/** The type of a pointer to it. */
export declare function refType<T extends NamedTypeLike>(type: T): Type<Pointer<UnderlyingType<T>>>;
export declare function refType<T extends TypeLike>(type: T): Type<Pointer<UnderlyingType<T>>>;
export declare function refType(type: TypeLike): Type;
/** The type of what it points to. */
export declare function derefType<T extends NamedType>(type: T): DerefType<T>;
export declare function derefType<T extends TypeLike>(type: T): DerefType<T>;
export declare function derefType(type: TypeLike): Type;
export declare function getType<T>(buffer: Pointer<T>): Type<T>;
export declare function getType(buffer: Buffer): Type;

/* --- values --------------------------------------------------------------------------------- */

type Allocated<T> = [T] extends [never] | [0] ? Pointer<any> : T extends Buffer ? T : Pointer<T>;

export declare function alloc<T extends NamedType>(
  type: T,
  value?: UnderlyingType<T>,
): Allocated<UnderlyingType<T>>;
export declare function alloc<T extends TypeLike>(
  type: T,
  value?: UnderlyingType<T>,
): Allocated<UnderlyingType<T>>;
export declare function allocCString(string: string, encoding?: BufferEncoding): Pointer<string>;
export declare function allocCString(
  string: string | null,
  encoding?: BufferEncoding,
): Pointer<string | null>;

export declare function get<T>(buffer: Pointer<T>, offset?: 0): T;
export declare function get<T extends NamedType>(
  buffer: Buffer,
  offset: number | undefined,
  type: T,
): UnderlyingType<T>;
export declare function get<T extends TypeLike>(
  buffer: Buffer,
  offset: number | undefined,
  type: T,
): UnderlyingType<T>;
export declare function get(buffer: Buffer, offset?: number, type?: TypeLike): any;

export declare function set<T>(buffer: Pointer<T>, offset: 0, value: T): void;
export declare function set<T extends NamedType>(
  buffer: Buffer,
  offset: number,
  value: UnderlyingType<T>,
  type: T,
): void;
export declare function set<T extends TypeLike>(
  buffer: Buffer,
  offset: number,
  value: UnderlyingType<T>,
  type: T,
): void;
export declare function set(buffer: Buffer, offset: number, value: any, type?: TypeLike): void;

export declare function ref<T>(buffer: Pointer<T>): Pointer<Pointer<T>>;
export declare function ref<T>(buffer: Pointer<T>): Pointer<T>;
export declare function ref(buffer: Buffer): Buffer;
export declare function deref<T>(buffer: Pointer<T>): T;
export declare function deref(buffer: Buffer): any;

/* --- memory ----------------------------------------------------------------------------------- */

export declare function address(buffer: Buffer, offset?: number): number;
export declare function hexAddress(buffer: Buffer, offset?: number): string;
export declare function isNull(buffer: Buffer, offset?: number): boolean;

export declare function readPointer(buffer: Buffer, offset?: number, length?: number): Buffer;
/** The pointer stays alive with the buffer's memory. */
export declare function writePointer(buffer: Buffer, offset: number, pointer: Buffer | null): void;
export declare function readObject<T>(buffer: Pointer<T>, offset?: 0): T;
export declare function readObject(buffer: Buffer, offset?: number): Object;
export declare function writeObject<T>(buffer: Pointer<T>, offset: 0, object: T): void;
export declare function writeObject(buffer: Buffer, offset: number, object: Object): void;
export declare function readCString(buffer: Buffer, offset?: number): string;
export declare function writeCString(
  buffer: Buffer,
  offset: number,
  string: string,
  encoding?: BufferEncoding,
): void;

/** The same memory with another length. */
export declare function reinterpret(buffer: Buffer, size: number, offset?: number): Buffer;
/** The same memory up to `size` zero bytes. */
export declare function reinterpretUntilZeros(buffer: Buffer, size: number, offset?: number): Buffer;

export declare function readInt64(buffer: Buffer, offset?: number): string | number;
export declare function writeInt64(buffer: Buffer, offset: number, input: string | number | bigint): void;
export declare function readInt64BE(buffer: Buffer, offset?: number): string | number;
export declare function writeInt64BE(buffer: Buffer, offset: number, input: string | number | bigint): void;
export declare function readInt64LE(buffer: Buffer, offset?: number): string | number;
export declare function writeInt64LE(buffer: Buffer, offset: number, input: string | number | bigint): void;
export declare function readUInt64(buffer: Buffer, offset?: number): string | number;
export declare function writeUInt64(buffer: Buffer, offset: number, input: string | number | bigint): void;
export declare function readUInt64BE(buffer: Buffer, offset?: number): string | number;
export declare function writeUInt64BE(buffer: Buffer, offset: number, input: string | number | bigint): void;
export declare function readUInt64LE(buffer: Buffer, offset?: number): string | number;
export declare function writeUInt64LE(buffer: Buffer, offset: number, input: string | number | bigint): void;

/** Keeps the object alive as long as the buffer. */
export declare function _attach(buffer: Buffer, object: Object): void;
export declare function _reinterpret(buffer: Buffer, size: number, offset?: number): Buffer;
export declare function _reinterpretUntilZeros(buffer: Buffer, size: number, offset?: number): Buffer;
export declare function _writePointer(buffer: Buffer, offset: number, pointer: Buffer | null): void;
export declare function _writeObject<T>(buffer: Pointer<T>, offset: 0, object: T): void;
export declare function _writeObject(buffer: Buffer, offset: number, object: Object): void;

declare global {
  interface Buffer {
    address(): number;
    hexAddress(): string;
    isNull(): boolean;
    ref(): Buffer;
    deref(): any;
    readObject(offset?: number): Object;
    writeObject(object: Object, offset?: number): void;
    readPointer(offset?: number, length?: number): Buffer;
    writePointer(pointer: Buffer | null, offset?: number): void;
    readCString(offset?: number): string;
    writeCString(string: string, offset?: number, encoding?: string): void;
    readInt64BE(offset?: number): string | number;
    writeInt64BE(input: string | number | bigint, offset?: number): void;
    readInt64LE(offset?: number): string | number;
    writeInt64LE(input: string | number | bigint, offset?: number): void;
    readUInt64BE(offset?: number): string | number;
    writeUInt64BE(input: string | number | bigint, offset?: number): void;
    readUInt64LE(offset?: number): string | number;
    writeUInt64LE(input: string | number | bigint, offset?: number): void;
    reinterpret(size: number, offset?: number): Buffer;
    reinterpretUntilZeros(size: number, offset?: number): Buffer;
    type?: Type | undefined;
  }
}
