'use strict';
const { test } = require('node:test');
const assert = require('node:assert/strict');
const { spawnSync } = require('node:child_process');
const { biffi, fixture, fails, root } = require('./fixtures');

const DECLARATIONS = `
  typedef struct { double x, y; } Point; typedef int (*binary)(int a, int b);
  int apply(binary f, int a, int b); int apply_twice(binary f, int a, int b);
  double each(void (*f)(double v, void *user), const double *v, int n, void *user);
  Point map_point(Point (*f)(Point p), Point p);
  const char *say(const char *(*f)(const char *name), const char *name);
  long wide(long (*f)(unsigned long v), unsigned long v);
  void keep(binary f); int call_kept(int a, int b); binary pick(int which);
  struct operations { binary first; binary second; }; int run_operations(const struct operations *o, int a, int b);`;
const lib = biffi.load(fixture('callbacks'), DECLARATIONS);

test('a function is called with converted arguments, its result is converted', () => {
  assert.equal(
    lib.apply((a, b) => a * b, 6, 7),
    42,
  );
  const seen = [];
  assert.equal(
    lib.each((v, user) => void seen.push([v, user]), [1.5, 2.5], 2, null),
    2,
  );
  assert.deepEqual(seen, [
    [1.5, null],
    [2.5, null],
  ]);
  assert.deepEqual(lib.map_point((p) => ({ x: p.y, y: p.x }), { x: 1, y: 2 }).toJSON(), { x: 2, y: 1 });
  assert.equal(
    lib.say((name) => `hello ${name}`, 'wörld'),
    'hello wörld',
  );
  assert.equal(
    lib.wide((v) => -v, 2n ** 53n),
    -(2n ** 53n),
  );
});

test('what it throws arrives in the caller, the same object', () => {
  const thrown = new RangeError('mine');
  let calls = 0;
  assert.throws(
    () =>
      lib.apply_twice(
        () => {
          calls++;
          throw thrown;
        },
        1,
        2,
      ),
    (error) => error === thrown,
  );
  assert.equal(calls, 1, 'no second call after an exception');
  for (const odd of [undefined, null, 5, 'text', Symbol.iterator]) {
    let caught = 'nothing';
    try {
      lib.apply(
        () => {
          throw odd;
        },
        1,
        2,
      );
    } catch (error) {
      caught = error;
    }
    assert.equal(caught, odd);
  }
  assert.equal(
    lib.apply((a, b) => a + b, 1, 2),
    3,
  );
});

test('a wrong result is an error that names the callback', () => {
  fails(
    () => lib.apply(() => 'text', 1, 2),
    'BF_ETYPE',
    "apply() argument 1: result (int): expected a number, got string 'text'",
  );
  fails(
    () => lib.apply(() => 1.5, 1, 2),
    'BF_ERANGE',
    /result \(int\): expected an integer, got number 1\.5/,
  );
  fails(() => lib.apply(() => {}, 1, 2), 'BF_ETYPE', /got undefined/);
});

test('calls nest', () => {
  const factorial = (n) => (n <= 1 ? 1 : lib.apply((a, b) => a * factorial(b), n, n - 1));
  assert.equal(factorial(10), 3628800);
  const inner = new Error('inner');
  assert.equal(
    lib.apply(
      () => {
        try {
          lib.apply(
            () => {
              throw inner;
            },
            0,
            0,
          );
        } catch (error) {
          assert.equal(error, inner);
          return 9;
        }
        return 0;
      },
      0,
      0,
    ),
    9,
  );
});

test('callback() lives until its release', () => {
  const cb = biffi.callback('int (*)(int, int)', function adder(a, b) {
    return a + b;
  });
  lib.keep(cb);
  assert.equal(lib.call_kept(20, 22), 42);
  assert.equal(lib.apply(cb, 1, 1), 2);
  lib.keep(null);
  cb.release();
  cb.release();
  assert.equal(cb.released, true);
  fails(() => lib.keep(cb), 'BF_ECLOSED', /freed/);
  fails(() => biffi.callback('int', () => 0), 'BF_ETYPE', /expected a function type, got int/);
  fails(() => biffi.callback('int (int)', 5), 'BF_ETYPE', /expected a function, got number 5/);
});

test('a callback of another type is refused', () => {
  const cb = biffi.callback('void (*)(void)', () => {});
  fails(() => lib.apply(cb, 1, 2), 'BF_ETYPE', /expected a function, got a pointer to void \(void\)/);
  fails(() => lib.apply(5, 1, 2), 'BF_ETYPE', /expected a function, a callback or null, got number 5/);
  fails(() => lib.apply({}, 1, 2), 'BF_ETYPE', /got an Object/);
});

test('function pointers from C are functions, and go back as they are', () => {
  const plus = lib.pick(1);
  assert.equal(plus(2, 3), 5);
  assert.equal(lib.pick(-1)(2, 3), -1);
  assert.equal(lib.pick(0), null);
  assert.equal(lib.apply(plus, 4, 5), 9);
});

test('structs of function pointers', () => {
  const first = biffi.callback('int (int, int)', (a, b) => a + b);
  const o = new lib['struct operations']({ first, second: lib.pick(-1) });
  assert.equal(lib.run_operations(o, 10, 3), 10);
  assert.equal(o.second(9, 1), 8);
  fails(() => (o.first = () => 0), 'BF_ETYPE', /callback\(\) makes/);
});

/** Runs a script in a process of its own: [exit code, stdout, stderr]. */
function run(script, ...flags) {
  const source = `const biffi = require(${JSON.stringify(root)});
    const lib = biffi.load(${JSON.stringify(fixture('callbacks'))}, ${JSON.stringify(DECLARATIONS)}); ${script}`;
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, [...flags, '-e', source], {
    encoding: 'utf8',
  });
  return [signal ?? status, stdout, stderr];
}

test('a function that C kept after the call reports and returns zero', () => {
  const [status, stdout, stderr] = run('lib.keep((a, b) => a + b); console.log(lib.call_kept(1, 2));');
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '0\n');
  assert.match(stderr, /biffi: callback 'keep\(\) argument 1' was called by C after its release/);
});

test('a released callback reports and returns zero', () => {
  const [status, stdout, stderr] =
    run(`const cb = biffi.callback('int (int, int)', function mine() { return 5; });
    lib.keep(cb); cb.release(); console.log(lib.call_kept(1, 2));`);
  assert.equal(status, 0, stderr);
  assert.equal(stdout, '0\n');
  assert.match(stderr, /callback 'mine' was called by C after its release/);
});

test('many callbacks under garbage collection', () => {
  const [status, stdout, stderr] = run(
    `let sum = 0;
     for (let i = 0; i < 20000; i++) {
       sum += lib.apply((a, b) => { if (i % 500 === 0) gc(); return a + b; }, i, 1);
       if (i % 10 === 0) biffi.callback('int (int, int)', () => i);
     }
     console.log(sum);`,
    '--expose-gc',
  );
  assert.equal(status, 0, stderr);
  assert.equal(stdout, `${(20000 * 19999) / 2 + 20000}\n`);
});
