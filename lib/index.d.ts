/*
 * biffi: C libraries as JavaScript objects. What each function does stands with its
 * source in lib/.
 */

/** Anything that stands for a C type: C text, a type object, or a constructor that struct() and the like made. */
export type TypeLike = string | Type | ValueConstructor<unknown> | EnumObject;

/** What may be passed where C expects a pointer. */
export type PointerLike = Pointer | StructValue | ArrayValue | ArrayBufferView | ArrayBufferLike | null;

/** Memory that JavaScript owns. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

/** What may be passed where C expects a `T *` that is no `void *`. */
export type PointerTo<T> = Pointer<T> | ArrayValue<T> | (T extends object ? T : never) | Bytes | null;

/** What may be passed where C expects a `const T *`: plain values live for the call. */
export type ConstPointerTo<T> = PointerTo<T> | readonly T[] | (T extends object ? Partial<T> : string);

/** An integer of 64 bits: Number when it is safe, else BigInt. */
export type Integer64 = number | bigint;

/** A number of C's `long double` that no Number is: mantissa * 2 ** exponent, exactly. `Number(it)` rounds. */
export class LongDouble {
  constructor(mantissa: bigint, exponent?: number);
  readonly mantissa: bigint;
  readonly exponent: number;
  valueOf(): number;
  toString(): string;
  toJSON(): string;
}

/** What a `long double` is: a Number where that is exact. */
export type Floating = number | LongDouble;

/** A C type. */
export declare class Type {
  private constructor();
  /** 'int', 'pointer', 'struct', ...; a typedef has the kind of what it names. */
  readonly kind: string;
  /** As C writes it: 'const char *'. */
  readonly spelling: string;
  /** The tag, the typedef's name or the builtin type's. */
  readonly name: string | undefined;
  /** Bytes; 0 while incomplete. */
  readonly size: number;
  /** Bytes. */
  readonly align: number;
  /** Without typedef names and qualifiers. */
  readonly resolved: Type;
  /** Of a pointer, array, alias, enum, or a function's result. */
  readonly base: Type | undefined;
  readonly isConst: boolean;
  readonly isComplete: boolean;
  /** Elements of an array. */
  readonly count: number;
  readonly members: readonly Member[];
  readonly enumerators: ReadonlyMap<string, Integer64>;
  readonly params: readonly { name: string | undefined; type: Type }[];
  /** Makes values of a struct, union or array type. */
  readonly valueConstructor: ValueConstructor<unknown> | undefined;
  /** The same type for a C compiler? */
  equals(other: TypeLike): boolean;
  toString(): string;
}

export interface Member {
  name: string | undefined;
  type: Type;
  /** Bytes. */
  offset: number;
  bitOffset: number;
  /** 0: not a bit-field. */
  bitWidth: number;
  doc?: string;
}

/** A constructor of struct, union or array values. */
export interface ValueConstructor<T, Init = unknown> {
  new (init?: Init): T;
  (init?: Init): T;
  readonly type: Type;
  readonly kind: string;
  readonly size: number;
  readonly align: number;
  /** A live view over bytes of the caller's. */
  from(bytes: ArrayBufferView | ArrayBufferLike, offset?: number): T;
  /** A live view of what a pointer points to. */
  at(pointer: Pointer): T;
}

/** What struct and union values have beside their members. */
export interface StructValue {
  toJSON(): Record<string, unknown>;
}

/** A live view over elements. */
export interface ArrayValue<T = unknown> extends Iterable<T> {
  [index: number]: T;
  readonly length: number;
  get(index: number): T;
  set(index: number, value: T): void;
  fill(value: T): this;
  toArray(): T[];
  toString(): string;
  toArrayBuffer(): ArrayBuffer;
  toJSON(): unknown[];
}

/** The object of an enum: its members' values, and the way back. */
export interface EnumObject {
  (name: string): Integer64;
  readonly type: Type;
  readonly size: number;
  nameOf(value: Integer64): string | undefined;
}

/** An address and the type of what is there. */
export declare class Pointer<T = unknown> {
  protected constructor();
  [index: number]: T;
  readonly type: Type;
  readonly address: bigint;
  /** What it points to. */
  value: T;
  deref(): T;
  get(index: number): T;
  set(index: number, value: T): void;
  /** `n` elements further. */
  add(n: number): Pointer<T>;
  /** The same address as another type. */
  cast<U = unknown>(type: TypeLike): Pointer<U>;
  /** The NUL-terminated string there, at most `limit` characters. */
  toText(limit?: number): string;
  /** A copy of the bytes there. */
  toArrayBuffer(length?: number): ArrayBuffer;
  equals(other: unknown): boolean;
}

/** A C function. */
export interface BoundFunction<Args extends unknown[] = unknown[], Result = unknown> {
  (...args: Args): Result;
  /** On the thread pool; a last argument `{ signal }` cancels it before it starts. */
  async(...args: Args): Promise<Result>;
  async(...args: [...Args, { signal: AbortSignal }]): Promise<Result>;
  readonly address: bigint;
  readonly type: Type;
  readonly name: string;
}

/** A C function pointer that calls a JavaScript function. */
export declare class Callback extends Pointer {
  private constructor();
  release(): void;
  readonly released: boolean;
  ref(): this;
  unref(): this;
  [Symbol.dispose](): void;
}

export interface CallbackOptions {
  /** For messages. */
  name?: string;
  /** Keep the event loop alive. */
  ref?: boolean;
  /** false: a call from another thread does not wait (void results only). */
  wait?: boolean;
}

export interface FunctionOptions {
  /** What 64-bit results, and the variables and struct members of a library, are: 'auto' is Number when safe, else BigInt. */
  int64?: 'auto' | 'bigint' | 'number';
  /** Results are { value, errno }. */
  errno?: boolean;
}

export interface LoadOptions extends FunctionOptions {
  /** C text. */
  declarations?: string;
  /** Headers, read by the system's C preprocessor. */
  header?: string | string[];
  /** Whose declarations become properties, beside the headers' own: 'all', a RegExp on the path, or path endings. */
  files?: 'all' | RegExp | string | string[];
  /** Directories for the preprocessor. */
  include?: string | string[];
  /** Other flags for the preprocessor. */
  preprocess?: string | string[];
  /** The compiler, default $CC or cc. */
  cc?: string;
  /** 'sqlite3_' makes sqlite3_open available as open. */
  prefix?: string;
  /** Names of functions whose string results are freed after reading. */
  owned?: string[];
  /** Look symbols up on first use. */
  lazy?: boolean;
  /** Of dlopen(3). */
  flags?: number;
}

/** What load() returns: C's identifiers, and what closes the library. */
export interface LibraryBase {
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * A library whose identifiers are known to TypeScript by a type argument:
 * `load<{ cos(x: number): number }>('libm.so.6', 'double cos(double);')`.
 */
export type LibraryOf<T> = T & LibraryBase;

/** A library's properties where nothing says what they are. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type UntypedLibrary = Record<string, any>;

type Blank = ' ' | '\n' | '\t' | '\r';
type Trim<S extends string> = S extends `${Blank}${infer R}`
  ? Trim<R>
  : S extends `${infer L}${Blank}`
    ? Trim<L>
    : S;

type Number32 =
  | 'char'
  | 'signed char'
  | 'unsigned char'
  | 'short'
  | 'unsigned short'
  | 'int'
  | 'unsigned'
  | 'unsigned int'
  | 'int8_t'
  | 'uint8_t'
  | 'int16_t'
  | 'uint16_t'
  | 'int32_t'
  | 'uint32_t'
  | 'float'
  | 'double'
  | 'wchar_t';
type Number64 =
  | 'long'
  | 'unsigned long'
  | 'long long'
  | 'unsigned long long'
  | 'int64_t'
  | 'uint64_t'
  | 'size_t'
  | 'ssize_t'
  | 'intptr_t'
  | 'uintptr_t'
  | 'ptrdiff_t'
  | 'off_t'
  | 'time_t';

type Result<S extends string> =
  Trim<S> extends 'void'
    ? void
    : Trim<S> extends Number32
      ? number
      : Trim<S> extends Number64
        ? Integer64
        : Trim<S> extends 'bool' | '_Bool'
          ? boolean
          : Trim<S> extends `const char *${Blank | ''}` | `char *${Blank | ''}`
            ? string | null
            : unknown;

/** `double x` without the name, where the type is one of the simple ones. */
type Scalar<S extends string> = S extends Number32
  ? number
  : S extends Number64
    ? Integer64
    : S extends 'bool' | '_Bool'
      ? boolean
      : never;
type Unnamed<S extends string> = S extends `${infer A} ${infer B}`
  ? B extends `${string} ${string}`
    ? `${A} ${Unnamed<B>}`
    : A
  : S;
type Argument<S extends string> = S extends `${string}(*${string}`
  ? any
  : S extends `const char *${string}`
    ? string | PointerLike
    : S extends `${string}*${string}` | `${string}[${string}`
      ? PointerLike | string | object
      : [Scalar<S>] extends [never]
        ? [Scalar<Trim<Unnamed<S>>>] extends [never]
          ? any
          : Scalar<Trim<Unnamed<S>>>
        : Scalar<S>;
type Arguments<S extends string> =
  Trim<S> extends '' | 'void'
    ? []
    : Trim<S> extends '...'
      ? any[]
      : S extends `${infer A},${infer R}`
        ? [Argument<Trim<A>>, ...Arguments<R>]
        : [Argument<Trim<S>>];

/** `double cos` as ['double', 'cos']; `char *f` as ['char *', 'f']. */
type SplitName<S extends string, Left extends string = ''> = S extends `${infer A}*${infer R}`
  ? SplitName<R, `${Left}${A}*`>
  : S extends `${infer A} ${infer R}`
    ? SplitName<R, `${Left}${A} `>
    : [Left, S];

type Prototype<S extends string> = S extends `${infer Head}(${infer Params})`
  ? Params extends `${string}(${string}`
    ? {}
    : SplitName<Trim<Head>> extends [infer R extends string, infer N extends string]
      ? { readonly [name in Trim<N>]: BoundFunction<Arguments<Params>, Result<R>> }
      : {}
  : {};

type Simple<S extends string> = S extends
  | `${string}{${string}`
  | `${string}typedef ${string}`
  | `${string}#${string}`
  | `${string}/*${string}`
  | `${string}//${string}`
  ? never
  : S;
type Prototypes<S extends string> = S extends `${infer A};${infer R}`
  ? Prototype<Trim<A>> & Prototypes<R>
  : {};

/**
 * What a text of simple prototypes declares, function by function; everything else
 * (structs, typedefs, comments, callbacks) gives a library whose properties are not typed:
 * `biffi bind` writes exact types for those.
 */
export type Declared<S extends string> = string extends S
  ? UntypedLibrary
  : [Simple<S>] extends [never]
    ? UntypedLibrary
    : S extends `${string}(*${string}`
      ? UntypedLibrary
      : Prototypes<S>;

/** Opens a library and binds what the declarations name; simple prototypes are typed by their text. */
export function load<const S extends string>(path: string | null, declarations: S): LibraryOf<Declared<S>>;
export function load<T extends object = UntypedLibrary>(
  path: string | null,
  declarations: string | LoadOptions,
): LibraryOf<T>;

export function close(library: object): void;

/** Functions by result and parameter types: Library(path, { add: ['int', ['int', 'int']] }). */
export function Library<T extends object = UntypedLibrary>(
  path: string | null,
  signatures: Record<
    string,
    readonly [
      result: TypeLike,
      params?: readonly TypeLike[],
      options?: FunctionOptions & { owned?: boolean; symbol?: string },
    ]
  >,
): LibraryOf<T>;

/** The type that something stands for. */
export function type(what: TypeLike): Type;
/** The type that C text means where a library's names are known. */
export function typeIn(library: object, text: string): Type;
/** Where a symbol lies that the declarations do not name. */
export function symbol(library: object, name: string): Pointer;
export function pointer(to: TypeLike): Type;
export function constant(type: TypeLike): Type;
/** A function type; '...' last makes it variadic. */
export function fn(result: TypeLike, params?: readonly TypeLike[]): Type;

export type MemberSpec = TypeLike | { type: TypeLike; bits?: number; align?: number; packed?: boolean };
export type Members = Record<string, MemberSpec> | readonly (readonly [string, MemberSpec])[];
export interface LayoutOptions {
  packed?: boolean;
  pack?: number;
  align?: number;
}
export type AnyStruct = StructValue & Record<string, unknown>;

export function struct(
  tag: string,
  members?: Members,
  options?: LayoutOptions,
): ValueConstructor<AnyStruct, object>;
export function struct(members: Members, options?: LayoutOptions): ValueConstructor<AnyStruct, object>;
export function union(
  tag: string,
  members?: Members,
  options?: LayoutOptions,
): ValueConstructor<AnyStruct, object>;
export function union(members: Members, options?: LayoutOptions): ValueConstructor<AnyStruct, object>;
export function array<T = unknown>(
  element: TypeLike,
  length: number,
): ValueConstructor<ArrayValue<T>, Iterable<unknown> | string>;
export function enumeration<M extends Record<string, number | bigint>>(
  tag: string | undefined,
  members: M,
): EnumObject & { readonly [K in keyof M]: M[K] };

/** A pointer to an address, or to the memory of a value; null for address 0. */
export function pointerAt<T = unknown>(
  where: bigint | number | Exclude<PointerLike, null>,
  type?: TypeLike,
): Pointer<T> | null;
/** Memory for what C writes through a pointer; without a type it takes the parameter's. */
export function out<T = unknown>(type?: TypeLike, initial?: T): Pointer<T>;

/** Zeroed memory from C's heap until free(), the end of a `using` block, or collection. */
export function alloc(
  type: TypeLike | number,
): (AnyStruct | ArrayValue | Pointer) & { [Symbol.dispose](): void };
export function alloc<T = unknown>(
  type: TypeLike,
  length: number,
): ArrayValue<T> & { [Symbol.dispose](): void };
export function free(value: object): void;
/** A NUL-terminated string in memory that lives as long as the pointer. */
export function cstring(text: string, character?: TypeLike): Pointer<number>;
/** A value with its C type, for what stands for '...'. */
export function as(type: TypeLike, value: unknown): object;
/** Sets members of a struct value; those not named stay. */
export function assign<T extends object>(value: T, members: object): T;

/** A C function pointer that calls `fn`, until it is released or collected. */
export function callback(
  type: TypeLike,
  fn: (...args: never[]) => unknown,
  options?: CallbackOptions,
): Callback;
/** Calls C by address. */
export function functionAt<Args extends unknown[] = unknown[], Result = unknown>(
  where: bigint | number | Pointer | BoundFunction,
  type: TypeLike,
  options?: FunctionOptions & { name?: string; owned?: boolean },
): BoundFunction<Args, Result>;
/** A class of pointers that are closed by a C function. */
export function handle(
  type: TypeLike,
  destroy: (handle: Pointer) => unknown,
): new (from: Pointer) => Pointer & { close(): void; readonly closed: boolean; [Symbol.dispose](): void };

export function sizeof(what: TypeLike | StructValue | ArrayValue): number;
export function alignof(type: TypeLike): number;
export function offsetof(type: TypeLike, member: string): number;
export function addressOf(value: Exclude<PointerLike, null> | BoundFunction): bigint;

/** What the last call left in errno; a number is what the next call finds there. */
export function errno(value?: number): number;

/** dlopen(3)'s flags. */
export const flags: Readonly<
  Record<
    | 'RTLD_LAZY'
    | 'RTLD_NOW'
    | 'RTLD_LOCAL'
    | 'RTLD_GLOBAL'
    | 'RTLD_NOLOAD'
    | 'RTLD_NODELETE'
    | 'RTLD_DEEPBIND',
    number
  >
>;

/** Which way calls go, and why. */
export function info(): { v8: string; tier: 'v8' | 'napi' | 'ffi'; why: string; code: string };
/** A function's tier, and whether optimised code calls it directly. */
export function info(bound: BoundFunction): { tier: 'v8' | 'napi' | 'ffi'; fast: boolean };
