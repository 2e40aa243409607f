/*
 * The drop-in packages' types, used as programs use the ones that DefinitelyTyped has for the originals.
 */
import ffi = require('../../compat/ffi-napi/lib/ffi.js');
import Library = require('../../compat/ffi-napi/lib/library.js');
import ref = require('../../compat/ref-napi/lib/ref.js');
import StructType = require('../../compat/ref-struct-napi/lib/struct.js');
import structDi = require('../../compat/ref-struct-di/lib/struct.js');
import ArrayType = require('../../compat/ref-array-napi/lib/array.js');
import UnionType = require('../../compat/ref-union-napi/lib/union.js');
import wchar = require('../../compat/ref-wchar-napi/index.js');
import older = require('../../compat/ref/index.js');

const libm = ffi.Library('libm', {
  ceil: ['double', ['double']],
  atoi: ['int', ['string']],
  strlen: ['size_t', ['string']],
  fill: ['void *', ['pointer', ref.types.int, 'size_t'], { async: false }],
  later: ['int', ['int'], { async: true }],
  printf: ['int', ['string'], { varargs: true }],
});
const n: number = libm.ceil(1.5);
const length: string | number = libm.strlen('x');
const filled: ref.Pointer<unknown> = libm.fill(ref.NULL, 1, 2);
libm.ceil.async(1.1, (error, value) => {
  const v: number = value;
  console.log(error, v);
});
libm.later(5, (error: any, value: number) => console.log(error, value));
const printed: number = libm.printf('int', 'double')('%d %f', 1, 2.5);
// @ts-expect-error a string is no double
libm.ceil('1');
// @ts-expect-error an argument is missing
libm.ceil();
// @ts-expect-error there is no such function
libm.floor(1);

const anything = new ffi.Library(null, { x: ['int', []] as [string, string[]] });
anything.x();
const added: { a: number; ceil: unknown } = new Library('libm', { ceil: ['double', ['double']] }, { a: 1 });
const opened = ffi.DynamicLibrary('libc.so.6', ffi.RTLD_NOW);
const pointer: Buffer = opened.get('abs');
const abs = ffi.ForeignFunction(pointer, 'int', ['int']);
const five: number = abs(-5);
const variadic = ffi.VariadicForeignFunction(pointer, 'int', ['pointer', 'string']);
variadic('int')(ref.NULL, 'x', 5);
variadic.returnType.size.toFixed();

const callback: ref.Pointer<(a: number, b: string | null) => number> = ffi.Callback(
  'int',
  ['int', 'string'],
  (a, b) => {
    const text: string | null = b;
    return text === null ? a : text.length;
  },
);
const fnType = ffi.Function('int', ['int']);
const made: Buffer = fnType.toPointer((x) => x + 1);
const called: number = fnType.toFunction(made)(1);
const cif: Buffer = ffi.CIF('int', ['int']);
const ffiTypeSize: string | number = ffi.ffiType('int').deref().size;
const error: number = ffi.errno();
const flags: number = ffi.DynamicLibrary.FLAGS.RTLD_LAZY;
const intType: ref.Type<number> = ffi.types.int;

const Point = StructType({ x: 'int', y: 'double', name: 'string' });
const p = new Point({ x: 1, name: null });
const x: number = p.x;
const name: string | null = p.name;
const offset: number = Point.fields.y.offset;
p.ref().deref().x = 5;
// @ts-expect-error the field is a number
p.x = 'one';
// @ts-expect-error there is no such field
p.z;
const Later = structDi(ref)([['int', 'a']]);
const a: number = new Later().a;
const Open = StructType();
Open.defineProperty('q', Point);
new Open().q.x;
const area: ffi.ForeignFunction = ffi.ForeignFunction(pointer, 'int', [Point]);
area(p);

const Ints = ArrayType('int');
const ints = new Ints([1, 2, 3]);
const first: number = ints[0];
const three: 3 = new (ArrayType('int', 3))().length;
const Nested = StructType({ list: ArrayType('int', 2) });
const second: number = new Nested().list[1];
const Value = UnionType({ i: 'int', d: 'double' });
const d: number = new Value({ d: 1 }).d;
// @ts-expect-error one member at a time
new Value({ i: 1, d: 1 });

const allocated: ref.Pointer<number> = ref.alloc('int', 5);
const value: number = allocated.deref();
const twice: number = allocated.ref().deref().deref();
const typed: ref.Type<ref.Pointer<number>> = ref.refType('int');
const got: number = ref.get(Buffer.alloc(4), 0, 'int');
ref.set(Buffer.alloc(8), 0, 5, ref.types.double);
const text: string = Buffer.alloc(8).readCString(0);
Buffer.alloc(8).writePointer(ref.NULL);
ref.writeInt64(Buffer.alloc(8), 0, 5n);
const wide: string | null = wchar.string.get(Buffer.alloc(8), 0);
const same: typeof ref.types = older.types;

declare module '../../compat/ref-napi/lib/ref.js' {
  interface UnderlyingTypeOverrideRegistry {
    long: bigint;
  }
}
const overridden: bigint = ref.get(Buffer.alloc(8), 0, 'long' as const) as ref.UnderlyingType<'long'>;

export default [
  ...[
    n,
    length,
    filled,
    printed,
    added,
    five,
    callback,
    called,
    cif,
    ffiTypeSize,
    error,
    flags,
    intType,
    x,
    name,
  ],
  ...[offset, a, first, three, second, d, value, twice, typed, got, text, wide, same, overridden],
];
