/// <reference types="node" />

/**
 * ffi-napi: C functions as JavaScript functions. The names of the types are those that programs know from
 * `@types/ffi-napi`.
 */
import ref = require('../../ref-napi/lib/ref.js');
import struct = require('../../ref-struct-di/lib/struct.js');

/* --- libraries ---------------------------------------------------------------------------- */

export interface LibraryFunctionOptions {
  abi?: number | undefined;
  /** The function is the one that calls on the thread pool. */
  async?: boolean | undefined;
  /** The function takes types of variadic arguments and gives the function for them. */
  varargs?: boolean | undefined;
}

/** Makes the compiler infer a tuple for the types of arguments. */
export type ArgTypesInferenceMarker = ['void'];

export type LibraryObjectDefinitionBase = Record<
  string,
  [returnType: ref.TypeLike, argTypes: ref.TypeLike[], options?: LibraryFunctionOptions]
>;

export type LibraryObjectDefinitionInferenceMarker = Record<
  string,
  [returnType: 'void', argTypes: ArgTypesInferenceMarker]
>;

export type LibraryObjectDefinitionToLibraryDefinition<T extends LibraryObjectDefinitionBase> = [T] extends [
  never | 0,
]
  ? any
  : {
      [P in keyof T]: [
        returnType: ref.CoerceType<T[P][0]>,
        argTypes: ref.CoerceTypes<T[P][1]>,
        options: T[P][2],
      ];
    };

export type LibraryDefinitionBase = Record<
  string,
  [returnType: ref.Type, argTypes: ref.Type[], options: LibraryFunctionOptions | undefined]
>;

type Call<T extends [ref.Type, ref.Type[], ...unknown[]]> = ForeignFunction<
  ref.UnderlyingType<T[0]>,
  ref.UnderlyingTypes<T[1]>
>;

export type LibraryObject<T extends LibraryDefinitionBase> = [T] extends [never | 0]
  ? any
  : {
      [P in keyof T]: T[P][2] extends { varargs: true }
        ? VariadicForeignFunction<T[P][0], T[P][1]>
        : T[P][2] extends { async: true }
          ? Call<T[P]>['async']
          : Call<T[P]>;
    };

export interface Library {
  /** What is appended to the name of a library: ".so" */
  EXT: string;

  new <D extends LibraryObjectDefinitionBase | LibraryObjectDefinitionInferenceMarker, T>(
    libFile: string | null | DynamicLibrary,
    funcs: D,
    lib: T,
  ): T & LibraryObject<LibraryObjectDefinitionToLibraryDefinition<D>>;
  new <D extends LibraryObjectDefinitionBase | LibraryObjectDefinitionInferenceMarker>(
    libFile: string | null | DynamicLibrary,
    funcs: D,
    lib?: object,
  ): LibraryObject<LibraryObjectDefinitionToLibraryDefinition<D>>;
  new (
    libFile?: string | null | DynamicLibrary,
    funcs?: Record<
      string,
      [returnType: ref.TypeLike, argTypes: ref.TypeLike[], options?: LibraryFunctionOptions]
    >,
    lib?: object,
  ): any;
  <D extends LibraryObjectDefinitionBase | LibraryObjectDefinitionInferenceMarker, T>(
    libFile: string | null | DynamicLibrary,
    funcs: D,
    lib: T,
  ): T & LibraryObject<LibraryObjectDefinitionToLibraryDefinition<D>>;
  <D extends LibraryObjectDefinitionBase | LibraryObjectDefinitionInferenceMarker>(
    libFile: string | null | DynamicLibrary,
    funcs: D,
    lib?: object,
  ): LibraryObject<LibraryObjectDefinitionToLibraryDefinition<D>>;
  (
    libFile?: string | null | DynamicLibrary,
    funcs?: Record<
      string,
      [returnType: ref.TypeLike, argTypes: ref.TypeLike[], options?: LibraryFunctionOptions]
    >,
    lib?: object,
  ): any;
}
export const Library: Library;

/** dlopen(3) and dlsym(3). */
export class DynamicLibrary {
  constructor(path?: string | null, mode?: number);
  /** What dlclose(3) returned. */
  close(): number;
  /** A pointer to the symbol. */
  get(symbol: string): Buffer;
  error(): string;
  path(): string;
}
export function DynamicLibrary(path?: string | null, mode?: number): DynamicLibrary;
export namespace DynamicLibrary {
  namespace FLAGS {
    const RTLD_LAZY: number;
    const RTLD_NOW: number;
    const RTLD_LOCAL: number;
    const RTLD_GLOBAL: number;
    const RTLD_NOLOAD: number | undefined;
    const RTLD_NODELETE: number | undefined;
    const RTLD_FIRST: number | undefined;
    const RTLD_NEXT: ref.Pointer<unknown>;
    const RTLD_DEFAULT: ref.Pointer<unknown>;
    const RTLD_SELF: ref.Pointer<unknown> | undefined;
    const RTLD_MAIN_ONLY: ref.Pointer<unknown> | undefined;
  }
}

/* --- functions ------------------------------------------------------------------------------ */

export interface ForeignFunction<TReturn = any, TArgs extends any[] = any[]> {
  (...args: TArgs): TReturn;
  /** Calls on the thread pool. */
  async(...args: [...TArgs, (error: any, value: TReturn) => void]): void;
}
export const ForeignFunction: {
  new <R extends ref.NamedType, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): ForeignFunction<ref.UnderlyingType<R>, ref.UnderlyingTypes<A>>;
  new <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): ForeignFunction<ref.UnderlyingType<R>, ref.UnderlyingTypes<A>>;
  new (pointer: Buffer, returnType: ref.TypeLike, argTypes: ref.TypeLike[], abi?: number): ForeignFunction;
  <R extends ref.NamedType, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): ForeignFunction<ref.UnderlyingType<R>, ref.UnderlyingTypes<A>>;
  <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): ForeignFunction<ref.UnderlyingType<R>, ref.UnderlyingTypes<A>>;
  (pointer: Buffer, returnType: ref.TypeLike, argTypes: ref.TypeLike[], abi?: number): ForeignFunction;
};

export interface VariadicForeignFunction<
  TReturnType extends ref.Type = ref.Type,
  TArgTypes extends ref.Type[] = ref.Type[],
> {
  <A extends ref.NamedTypeLike[]>(
    ...types: A
  ): ForeignFunction<
    ref.UnderlyingType<TReturnType>,
    [...ref.UnderlyingTypes<TArgTypes>, ...ref.UnderlyingTypes<A>]
  >;
  <A extends ref.TypeLike[]>(
    ...types: A
  ): ForeignFunction<
    ref.UnderlyingType<TReturnType>,
    [...ref.UnderlyingTypes<TArgTypes>, ...ref.UnderlyingTypes<A>]
  >;
  returnType: TReturnType;
}
export const VariadicForeignFunction: {
  new <R extends ref.NamedTypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): VariadicForeignFunction<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  new <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): VariadicForeignFunction<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  new (
    pointer: Buffer,
    returnType: ref.TypeLike,
    argTypes: ref.TypeLike[],
    abi?: number,
  ): VariadicForeignFunction;
  <R extends ref.NamedTypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): VariadicForeignFunction<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    pointer: Buffer,
    returnType: R,
    argTypes: A,
    abi?: number,
  ): VariadicForeignFunction<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  (
    pointer: Buffer,
    returnType: ref.TypeLike,
    argTypes: ref.TypeLike[],
    abi?: number,
  ): VariadicForeignFunction;
};

/** The type of a function pointer. */
export interface Function<
  TReturnType extends ref.Type = ref.Type,
  TArgTypes extends ref.Type[] = ref.Type[],
> extends ref.Type<(...args: ref.UnderlyingTypes<TArgTypes>) => ref.UnderlyingType<TReturnType>> {
  retType: TReturnType;
  argTypes: TArgTypes;
  ffi_type: PFFI_TYPE;
  abi: number;
  toPointer(
    fn: (...args: ref.UnderlyingTypes<TArgTypes>) => ref.UnderlyingType<TReturnType>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<TArgTypes>) => ref.UnderlyingType<TReturnType>>;
  toFunction(buf: Buffer): ForeignFunction<ref.UnderlyingType<TReturnType>, ref.UnderlyingTypes<TArgTypes>>;
}
export const Function: {
  new <R extends ref.NamedTypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi?: number,
  ): Function<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  new <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi?: number,
  ): Function<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  new (returnType: ref.TypeLike, argTypes: ref.TypeLike[], abi?: number): Function;
  <R extends ref.NamedTypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi?: number,
  ): Function<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi?: number,
  ): Function<ref.CoerceType<R>, ref.CoerceTypes<A>>;
  (returnType: ref.TypeLike, argTypes: ref.TypeLike[], abi?: number): Function;
};

/** A C function pointer that calls a JavaScript function, until it is collected. */
export interface Callback {
  new <R extends ref.NamedTypeLike, A extends ref.NamedTypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi: number,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  new <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi: number,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  new (returnType: ref.TypeLike, argTypes: ref.TypeLike[], abi: number, fn: (...args: any[]) => any): Buffer;
  new <R extends ref.NamedTypeLike, A extends ref.NamedTypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  new <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  new (returnType: ref.TypeLike, argTypes: ref.TypeLike[], fn: (...args: any[]) => any): Buffer;
  <R extends ref.NamedTypeLike, A extends ref.NamedTypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi: number,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    abi: number,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  (returnType: ref.TypeLike, argTypes: ref.TypeLike[], abi: number, fn: (...args: any[]) => any): Buffer;
  <R extends ref.NamedTypeLike, A extends ref.NamedTypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  <R extends ref.TypeLike, A extends ref.TypeLike[] | ArgTypesInferenceMarker>(
    returnType: R,
    argTypes: A,
    fn: (...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>,
  ): ref.Pointer<(...args: ref.UnderlyingTypes<A>) => ref.UnderlyingType<R>>;
  (returnType: ref.TypeLike, argTypes: ref.TypeLike[], fn: (...args: any[]) => any): Buffer;
}
export const Callback: Callback;

/** What the last call left in errno. */
export function errno(): number;

/* --- libffi ------------------------------------------------------------------------------------ */

export function ffiType(type: ref.TypeLike): ref.Pointer<FFI_TYPE>;
export namespace ffiType {
  const FFI_TYPE: struct.StructType<{
    size: typeof ref.types.size_t;
    alignment: typeof ref.types.ushort;
    type: typeof ref.types.ushort;
    elements: ref.Type<ref.Pointer<PFFI_TYPE>>;
  }>;
  type FFI_TYPE = ReturnType<typeof FFI_TYPE>;
}
export import FFI_TYPE = ffiType.FFI_TYPE;
export type PFFI_TYPE = ref.Pointer<FFI_TYPE>;

export function CIF(returnType: ref.TypeLike, types: ref.TypeLike[], abi?: number): Buffer;
export function CIF_var(
  returnType: ref.TypeLike,
  types: ref.TypeLike[],
  numFixedArgs: number,
  abi?: number,
): Buffer;

export interface FfiTypesRegistry {
  void: PFFI_TYPE;
  uint8: PFFI_TYPE;
  int8: PFFI_TYPE;
  uint16: PFFI_TYPE;
  int16: PFFI_TYPE;
  uint32: PFFI_TYPE;
  int32: PFFI_TYPE;
  uint64: PFFI_TYPE;
  int64: PFFI_TYPE;
  uchar: PFFI_TYPE;
  char: PFFI_TYPE;
  ushort: PFFI_TYPE;
  short: PFFI_TYPE;
  uint: PFFI_TYPE;
  int: PFFI_TYPE;
  float: PFFI_TYPE;
  double: PFFI_TYPE;
  pointer: PFFI_TYPE;
  ulonglong: PFFI_TYPE;
  longlong: PFFI_TYPE;
}
export const FFI_TYPES: FfiTypesRegistry;

export const FFI_OK: number;
export const FFI_BAD_TYPEDEF: number;
export const FFI_BAD_ABI: number;
export const FFI_DEFAULT_ABI: number;
export const FFI_FIRST_ABI: number;
export const FFI_LAST_ABI: number;
export const FFI_SYSV: number | undefined;
export const FFI_UNIX64: number | undefined;
export const FFI_WIN64: number | undefined;
export const FFI_VFP: number | undefined;
export const FFI_STDCALL: number | undefined;
export const FFI_THISCALL: number | undefined;
export const FFI_FASTCALL: number | undefined;
export const FFI_MS_CDECL: number | undefined;
export import RTLD_LAZY = DynamicLibrary.FLAGS.RTLD_LAZY;
export import RTLD_NOW = DynamicLibrary.FLAGS.RTLD_NOW;
export import RTLD_LOCAL = DynamicLibrary.FLAGS.RTLD_LOCAL;
export import RTLD_GLOBAL = DynamicLibrary.FLAGS.RTLD_GLOBAL;
export import RTLD_NOLOAD = DynamicLibrary.FLAGS.RTLD_NOLOAD;
export import RTLD_NODELETE = DynamicLibrary.FLAGS.RTLD_NODELETE;
export import RTLD_FIRST = DynamicLibrary.FLAGS.RTLD_FIRST;
export import RTLD_NEXT = DynamicLibrary.FLAGS.RTLD_NEXT;
export import RTLD_DEFAULT = DynamicLibrary.FLAGS.RTLD_DEFAULT;
export import RTLD_SELF = DynamicLibrary.FLAGS.RTLD_SELF;
export import RTLD_MAIN_ONLY = DynamicLibrary.FLAGS.RTLD_MAIN_ONLY;

export const version: string;
export const LIB_EXT: string;
export import types = ref.types;
