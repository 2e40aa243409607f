import ref = require('../../ref-napi/lib/ref.js');

/** ref-union-di: `require('ref-union-di')(ref)` makes union types over the ref given. */
declare function union(ref: union.RefLike): union.Union;

declare namespace union {
  type RefLike = Pick<typeof ref, 'coerceType' | 'get' | 'set' | 'alignof' | 'sizeof' | 'NULL'>;

  /** Makes union types. */
  interface Union {
    new <T extends UnionTypeObjectDefinitionBase | UnionTypeObjectDefinitionInferenceMarker>(
      fields: T,
    ): UnionType<UnionTypeObjectDefinitionToUnionTypeDefinition<T>>;
    new (fields?: Record<string, ref.TypeLike>): UnionType;

    <T extends UnionTypeObjectDefinitionBase | UnionTypeObjectDefinitionInferenceMarker>(
      fields: T,
    ): UnionType<UnionTypeObjectDefinitionToUnionTypeDefinition<T>>;
    (fields?: Record<string, ref.TypeLike>): UnionType;
  }

  type UnionTypeObjectDefinitionBase = Record<string, ref.TypeLike>;
  type UnionTypeObjectDefinitionInferenceMarker = Record<string, 'void'>;
  type UnionTypeDefinitionBase = Record<string, ref.Type>;

  type UnionTypeObjectDefinitionToUnionTypeDefinition<T extends UnionTypeObjectDefinitionBase> = [T] extends [
    never | 0,
  ]
    ? any
    : { [P in keyof T]: ref.CoerceType<T[P]> };

  type UnionObjectProperties<T extends UnionTypeDefinitionBase> = [T] extends [never | 0]
    ? Record<string, any>
    : { [P in keyof T]: ref.UnderlyingType<T[P]> };

  /** One member and no other. */
  type UnionInput<T extends UnionTypeDefinitionBase> = [T] extends [never | 0]
    ? Record<string, any>
    : {
        [P in keyof T]: { [K in P]: ref.UnderlyingType<T[K]> } & { [K in Exclude<keyof T, P>]?: never };
      }[keyof T];

  type UnionFields<T extends UnionTypeDefinitionBase> = [T] extends [never | 0]
    ? Record<string, Field>
    : { [P in keyof T]: Field<ref.UnderlyingType<T[P]>> };

  interface Field<T = any> {
    type: ref.Type<T>;
  }

  interface UnionObjectBase {
    ref(): ref.Pointer<this>;
    'ref.buffer': Buffer;
  }

  type UnionObject<T> = UnionObjectBase & T;

  interface UnionType<T extends UnionTypeDefinitionBase = any> extends ref.Type<
    UnionObject<UnionObjectProperties<T>>
  > {
    new (arg: Buffer, data?: UnionInput<T>): UnionObject<UnionObjectProperties<T>>;
    new (data?: UnionInput<T>): UnionObject<UnionObjectProperties<T>>;
    (arg: Buffer, data?: UnionInput<T>): UnionObject<UnionObjectProperties<T>>;
    (data?: UnionInput<T>): UnionObject<UnionObjectProperties<T>>;

    fields: UnionFields<T>;
    isUnion: true;
    /** Not after the first instance. */
    defineProperty(name: string, type: ref.TypeLike): void;
    toString(): string;
  }
}

export = union;
