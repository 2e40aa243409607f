import ref = require('../../ref-napi/lib/ref.js');

/** ref-array-di: `require('ref-array-di')(ref)` makes array types over the ref given. */
declare function array(ref: array.RefLike): array.Maker;

declare namespace array {
  type RefLike = Pick<
    typeof ref,
    | 'coerceType'
    | 'get'
    | 'set'
    | 'alignof'
    | 'sizeof'
    | 'readPointer'
    | 'writePointer'
    | 'reinterpret'
    | 'reinterpretUntilZeros'
    | 'ref'
    | 'types'
    | 'NULL'
  >;

  /** Makes array types: with a length for members of structs, without one for pointers to the first element. */
  interface Maker {
    new <TType extends ref.NamedType, TLength extends number = number>(
      type: TType,
      length: TLength,
    ): FixedLengthArrayType<ref.UnderlyingType<TType>, TLength>;
    new <TType extends ref.TypeLike, TLength extends number = number>(
      type: TType,
      length: TLength,
    ): FixedLengthArrayType<ref.UnderlyingType<TType>, TLength>;
    new <T, TLength extends number = number>(
      type: ref.TypeLike,
      length: TLength,
    ): FixedLengthArrayType<T, TLength>;
    new <TType extends ref.NamedType>(type: TType, length?: number): ArrayType<ref.UnderlyingType<TType>>;
    new <TType extends ref.TypeLike>(type: TType, length?: number): ArrayType<ref.UnderlyingType<TType>>;
    new <T>(type: ref.TypeLike, length?: number): ArrayType<T>;
    <TType extends ref.NamedType, TLength extends number = number>(
      type: TType,
      length: TLength,
    ): FixedLengthArrayType<ref.UnderlyingType<TType>, TLength>;
    <TType extends ref.TypeLike, TLength extends number = number>(
      type: TType,
      length: TLength,
    ): FixedLengthArrayType<ref.UnderlyingType<TType>, TLength>;
    <T, TLength extends number = number>(
      type: ref.TypeLike,
      length: TLength,
    ): FixedLengthArrayType<T, TLength>;
    <TType extends ref.NamedType>(type: TType, length?: number): ArrayType<ref.UnderlyingType<TType>>;
    <TType extends ref.TypeLike>(type: TType, length?: number): ArrayType<ref.UnderlyingType<TType>>;
    <T>(type: ref.TypeLike, length?: number): ArrayType<T>;
  }

  type Data = readonly any[] | NodeJS.ArrayBufferView;

  /** An array over memory. */
  interface TypedArray<T, TLength extends number = number> {
    [i: number]: T;
    length: TLength;
    toArray(): T[];
    toJSON(): T[];
    inspect(): string;
    /** Shares the memory. */
    slice(start?: number, end?: number): TypedArray<T>;
    buffer: Buffer;
    ref(): Buffer;
  }

  interface ArrayType<T> extends ref.Type<TypedArray<T>> {
    BYTES_PER_ELEMENT: number;
    fixedLength?: number | undefined;
    type: ref.Type<T>;
    untilZeros(buffer: Buffer): TypedArray<T>;

    new <N extends number>(length: N): TypedArray<T, N>;
    new (length?: number): TypedArray<T>;
    new <TData extends readonly any[] | []>(data: TData): TypedArray<T, TData['length']>;
    new <N extends number>(data: Data, length: N): TypedArray<T, N>;
    new (data: Data, length?: number): TypedArray<T>;
    <N extends number>(length: N): TypedArray<T, N>;
    (length?: number): TypedArray<T>;
    <TData extends readonly any[] | []>(data: TData): TypedArray<T, TData['length']>;
    <N extends number>(data: Data, length: N): TypedArray<T, N>;
    (data: Data, length?: number): TypedArray<T>;
  }

  interface FixedLengthArrayType<T, TLength extends number = number> extends ref.Type<
    TypedArray<T, TLength>
  > {
    BYTES_PER_ELEMENT: number;
    fixedLength: TLength;
    type: ref.Type<T>;
    untilZeros(buffer: Buffer): TypedArray<T, TLength>;

    new (): TypedArray<T, TLength>;
    new <N extends number>(length: N): TypedArray<T, N>;
    new (length?: number): TypedArray<T>;
    new (data: Data): TypedArray<T, TLength>;
    new <N extends number>(data: Data, length: N): TypedArray<T, N>;
    new (data: Data, length?: number): TypedArray<T>;
    (): TypedArray<T, TLength>;
    <N extends number>(length: N): TypedArray<T, N>;
    (length?: number): TypedArray<T>;
    (data: Data): TypedArray<T, TLength>;
    <N extends number>(data: Data, length: N): TypedArray<T, N>;
    (data: Data, length?: number): TypedArray<T>;
  }
}

export = array;
