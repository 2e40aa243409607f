/* Programs that must compile, and, marked @ts-expect-error, ones that must not. */
import {
  load,
  Library,
  struct,
  array,
  pointerAt,
  out,
  callback,
  errno,
  info,
  type LibraryOf,
} from '../../lib';

const math = load<{ cos(x: number): number }>('libm.so.6', 'double cos(double x);');
const one: number = math.cos(0);
math.close();
// @ts-expect-error: cos takes a number
math.cos('x');

const lib: LibraryOf<{ add(a: number, b: number): number }> = Library('./libadd.so', {
  add: ['int', ['int', 'int']],
});
lib.add(1, one);
// @ts-expect-error: a signature is an array
Library('./libadd.so', { add: 'int' });

const Point = struct('point', { x: 'double', y: { type: 'double', align: 16 } });
const p = new Point({ x: 1 });
p.toJSON();
const Four = array<number>('int', 4);
const third: number = new Four([1, 2, 3])[2];
// @ts-expect-error: a length is a number
array('int', '4');

const cell = out<number>('int');
cell.value = third;
const at = pointerAt(0n);
// @ts-expect-error: NULL is null
at.add(1);

callback('int (int)', (n: number) => n + 1, { wait: false })
  .ref()
  .release();
// @ts-expect-error: there is no such option
load(null, { declaration: '' });

const number: number = errno();
info().tier === 'v8' && console.log(number);
