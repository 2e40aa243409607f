import ref = require('../../ref-napi/lib/ref.js');

/** ref-struct-di: `require('ref-struct-di')(ref)` makes struct types over the ref given. */
declare function struct(ref: struct.RefLike): struct.Struct;

declare namespace struct {
  type RefLike = Pick<typeof ref, 'coerceType' | 'get' | 'set' | 'alignof' | 'sizeof' | 'NULL'>;

  interface Options {
    /** No padding, and an alignment of 1. */
    packed?: boolean | undefined;
  }

  /** Makes struct types. */
  interface Struct {
    new <T extends StructTypeObjectDefinitionBase | StructTypeObjectDefinitionInferenceMarker>(
      fields: T,
      options?: Options,
    ): StructType<StructTypeObjectDefinitionToStructTypeDefinition<T>>;
    new <T extends StructTypeTupleDefinitionBase | StructTypeTupleDefinitionInferenceMarker>(
      fields: T,
      options?: Options,
    ): StructType<StructTypeTupleDefinitionToStructTypeDefinition<T>>;
    new (
      fields?: Record<string, ref.TypeLike> | Array<[ref.TypeLike, string]>,
      options?: Options,
    ): StructType;

    <T extends StructTypeObjectDefinitionBase | StructTypeObjectDefinitionInferenceMarker>(
      fields: T,
      options?: Options,
    ): StructType<StructTypeObjectDefinitionToStructTypeDefinition<T>>;
    <T extends StructTypeTupleDefinitionBase | StructTypeTupleDefinitionInferenceMarker>(
      fields: T,
      options?: Options,
    ): StructType<StructTypeTupleDefinitionToStructTypeDefinition<T>>;
    (fields?: Record<string, ref.TypeLike> | Array<[ref.TypeLike, string]>, options?: Options): StructType;
  }

  type StructTypeObjectDefinitionBase = Record<string, ref.TypeLike>;
  type StructTypeObjectDefinitionInferenceMarker = Record<string, 'void'>;
  type StructTypeTupleDefinitionBase = Array<[ref.TypeLike, string]>;
  type StructTypeTupleDefinitionInferenceMarker = [['void', '']];
  type StructTypeDefinitionBase = Record<string, ref.Type>;

  type StructTypeObjectDefinitionToStructTypeDefinition<T extends StructTypeObjectDefinitionBase> = [
    T,
  ] extends [never | 0]
    ? any
    : { [P in keyof T]: ref.CoerceType<T[P]> };

  type StructTypeTupleDefinitionToStructTypeDefinition<T extends StructTypeTupleDefinitionBase> = [
    T,
  ] extends [never | 0]
    ? any
    : { [P in T[number] as P[1]]: ref.CoerceType<P[0]> };

  /** What an instance's fields are in JavaScript. */
  type StructObjectProperties<T extends StructTypeDefinitionBase> = [T] extends [never | 0]
    ? Record<string, any>
    : { [P in keyof T]: ref.UnderlyingType<T[P]> };

  type StructFields<T extends StructTypeDefinitionBase> = [T] extends [never | 0]
    ? Record<string, Field>
    : { [P in keyof T]: Field<ref.UnderlyingType<T[P]>> };

  interface Field<T = any> {
    type: ref.Type<T>;
    /** Bytes from the start of the struct. */
    offset: number;
  }

  interface StructObjectBase {
    toObject(): any;
    toJSON(): any;
    inspect(): string;
    ref(): ref.Pointer<this>;
    'ref.buffer': Buffer;
  }

  type StructObject<T> = StructObjectBase & T;

  interface StructType<T extends StructTypeDefinitionBase = any> extends ref.Type<
    StructObject<StructObjectProperties<T>>
  > {
    /** Over memory that is there, or over new memory; then fields are set. */
    new (
      arg?: Buffer | Partial<StructObjectProperties<T>>,
      data?: Partial<StructObjectProperties<T>>,
    ): StructObject<StructObjectProperties<T>>;
    (
      arg?: Buffer | Partial<StructObjectProperties<T>>,
      data?: Partial<StructObjectProperties<T>>,
    ): StructObject<StructObjectProperties<T>>;

    fields: StructFields<T>;
    isPacked: boolean;
    /** Not after the first instance. */
    defineProperty(name: string, type: ref.TypeLike): void;
    toString(): string;
  }
}

export = struct;
