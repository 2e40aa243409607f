'use strict';
/*
 * Calls the random functions of a seed, cold, from optimised code and on the thread pool, with right and with wrong
 * values, and prints what came of each call as JSON. Right values are known to C and come back as expected, or the
 * process fails. random.test.js runs this on every tier and compares.
 *
 *   node random.run.js LIBRARY SEED FUNCTIONS CALLS
 */
const assert = require('node:assert/strict');
const vm = require('node:vm');
const { inspect } = require('node:util');
const { biffi } = require('./fixtures');
const { program, randomOf, pool, poolAddress, NO_OPTIONS } = require('./random');

const [path, seed, count, calls] = [process.argv[2], ...process.argv.slice(3).map(Number)];
const { functions, declarations } = program(seed, count);

/* What is passed in the place of something right: C looks at no more than there is. */
const ODD = [
  undefined,
  null,
  true,
  false,
  'a text that is long enough',
  'DARK',
  NaN,
  Infinity,
  1.5,
  -0,
  0,
  1,
  -1,
  200,
  -200,
  70000,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53,
  2 ** 64,
  1e300,
  0n,
  300n,
  2n ** 63n,
  2n ** 64n,
  -(2n ** 63n) - 1n,
  2n ** 200n,
  {},
  { a: 'x' },
  { re: 1 },
  [1.5, 'x'],
  Symbol.iterator,
  new Date(0),
  { valueOf: () => 5 },
  new Number(5),
  new Uint8Array(3),
  new Float64Array(1),
  (v) => v,
];

/** Such a thing for a type. A text as a union's member would be an address to C that looks at another member. */
function oddFor(random, type) {
  return random.of(type?.isUnion ? ODD.filter((value) => value?.a === undefined) : ODD);
}

/* What brings no type for "...": C would take another type for what it expects. */
const UNTYPED = [undefined, {}, Symbol.iterator, new Date(0), (v) => v, 2n ** 200n, biffi.as('int8_t', 200)];

const OPTIONS = [{}, { int64: 'bigint' }, { int64: 'number' }, { errno: true }];
const libraries = OPTIONS.map((options) => ({
  ...options,
  object: biffi.load(path, { declarations, ...options }),
}));

/* Memory that C writes to and reads from; the collector does not move what is as large. */
const UNTOUCHED = 0xdeadbeefdeadbeefn;
const seen = new BigUint64Array(8192);
const answer = new BigUint64Array(8192);
libraries[0].object.use(seen, answer);

/** Words as C gets them, what is a string in the pool. */
function place(words) {
  let used = 0;
  return words.map((word) => {
    if (typeof word === 'bigint') return word;
    const at = used;
    used += word.bytes;
    assert.ok(used <= pool.length, 'the pool holds the strings of a call');
    return [poolAddress + BigInt(at), () => word.fill(at)];
  });
}

/** A call to make: arguments, what C finds to answer with, and what must come of it. */
function trial(f, library, random, wrong) {
  const errno = random.below(100);
  /* The option int64 is not about what callbacks get, but about the structs of the library wherever they are. */
  const passed = (type) => type.result(random, type.members ? library : NO_OPTIONS);
  const values = f.params.map((type) => (f.back ? passed(type) : type.value(random, library)));
  const more = f.extra.map((type) => type.value(random, library));
  const result = f.result && (f.back ? f.result.value(random, library) : f.result.result(random, library));
  const given = [...values, ...more];
  const made = { errno, expected: [BigInt(f.index)], args: [], check: () => undefined, fill: [] };
  let answers;

  if (f.back) {
    let back = result?.js;
    if (wrong === 'result') back = oddFor(random, f.result);
    made.expected.push(...(result?.words ?? []));
    made.seen = { arguments: 'not called' };
    made.args = [
      (...got) => {
        made.seen.arguments =
          got.length === values.length
            ? (values.map((value, i) => value.check(got[i])).find((text) => text !== undefined) ?? 'right')
            : `${got.length} arguments`;
        if (wrong === 'throw') throw new RangeError('thrown by the callback');
        return back;
      },
    ];
    if (random.chance(30)) made.held = true;
    answers = values.flatMap((value) => value.words);
    made.check = (got) =>
      Object.is(got, 0) && made.seen.arguments === 'right'
        ? undefined
        : `${String(got)}, ${made.seen.arguments}`;
  } else {
    made.args = given.map((value) => value.js);
    made.expected.push(...given.flatMap((value) => value.words));
    answers = result?.words ?? [];
    made.check =
      result?.check ?? ((got) => (got === undefined ? undefined : `expected undefined, got ${String(got)}`));
  }
  if (wrong === 'argument') {
    const i = random.below(made.args.length);
    made.args[i] =
      i >= f.params.length && !f.back ? random.of(UNTYPED) : oddFor(random, f.back ? undefined : f.params[i]);
  }
  if (wrong === 'fewer') made.args.pop();
  if (wrong === 'more') made.args.push(1);
  made.answers = place([BigInt(errno), ...answers]);
  made.wrong = wrong;
  return made;
}

function trials(f, library, random) {
  const list = [];
  for (let i = 0; i < calls; i++) {
    let wrong;
    if (i % 2 === 1) {
      const ways = ['argument', 'argument', 'argument', 'argument', 'fewer', 'more'];
      wrong = random.of(f.back ? ['argument', 'result', 'result', 'throw'] : ways);
      if (f.params.length === 0 && !f.back) wrong = 'more';
      if (f.extra.length > 0 && wrong === 'fewer') wrong = 'argument';
      if (f.extra.length > 0 && wrong === 'more') wrong = 'argument';
    }
    list.push(trial(f, library, random, wrong));
  }
  return list;
}

/** Sets the stage for a call. */
function prepare(made) {
  seen.fill(UNTOUCHED, 0, 2048);
  made.answers.forEach((word, i) => {
    answer[i] = typeof word === 'bigint' ? word : word[0];
    if (typeof word !== 'bigint') word[1]();
  });
  if (made.seen) made.seen.arguments = 'not called';
}

/** What came of it, as text: what C saw and what was returned, or the error. */
function told(f, library, made, returned, error) {
  const end = seen.indexOf(UNTOUCHED);
  const words = seen.subarray(0, end);
  if (error !== undefined) {
    /* A call that is refused is not made; a callback's error is the callback's. */
    if (!f.back) assert.equal(end, 0, `${f.prototype}: called, then ${error}`);
    return `${error.name} ${error.code}: ${error.message}`;
  }
  let result = returned;
  if (library.errno) {
    assert.deepEqual([Object.keys(returned), returned.errno], [['value', 'errno'], made.errno], f.prototype);
    result = returned.value;
  }
  const text = `${Array.from(words, (word) => word.toString(16)).join()} ${made.check(result) ?? 'right'}`;
  if (made.wrong === undefined || made.wrong === 'throw') {
    assert.equal(made.wrong, undefined, `${f.prototype}: the callback threw, but nothing was thrown`);
    /* The arguments are printed in any case: values can be, whatever is in them. */
    const right = `${made.expected.map((word) => word.toString(16)).join()} right`;
    assert.equal(text, right, `seed ${seed}: ${f.prototype} with ${inspect(made.args, { depth: 5 })}`);
  }
  return text;
}

function outcome(f, library, made, call) {
  prepare(made);
  let returned;
  try {
    returned = call(...made.args);
  } catch (error) {
    return told(f, library, made, undefined, error);
  }
  return told(f, library, made, returned);
}

async function outcomeLater(f, library, made, call) {
  prepare(made);
  let returned;
  try {
    returned = await call.async(...made.args);
  } catch (error) {
    return told(f, library, made, undefined, error);
  }
  return told(f, library, made, returned);
}

/** A function of a source of its own around a call site of its own. */
function siteOf(call, length, catching) {
  const names = Array.from({ length }, (_, i) => `a${i}`);
  const site = `f(${names})`;
  const body = catching ? `try { return ${site}; } finally { n++; }` : `return ${site};`;
  return vm.compileFunction(`let n = 0; return function site(${names}) { ${body} }`, ['f'])(call);
}

let optimize = () => {};
try {
  optimize = new Function(
    'f',
    'run',
    '%PrepareFunctionForOptimization(f); run(); run(); %OptimizeFunctionOnNextCall(f); run();',
  );
} catch {
  /* without --allow-natives-syntax the engine optimises what it wants to */
}

async function main() {
  const random = randomOf(seed ^ 0x5eed);
  const result = {};

  for (const f of functions) {
    const library = libraries[f.index % libraries.length];
    const call = library.object[f.name];
    const list = trials(f, library, random);
    const cold = list.map((made) => outcome(f, library, made, call));

    for (const length of new Set(list.map((made) => made.args.length))) {
      const site = siteOf(call, length, f.index % 3 === 0);
      const same = list.map((made, i) => [made, i]).filter(([made]) => made.args.length === length);
      const [good = same[0]] = same.filter(([made]) => made.wrong === undefined);
      for (const half of [same, same.toReversed?.() ?? [...same].reverse()]) {
        optimize(site, () => outcome(f, library, good[0], site));
        for (const [made, i] of half)
          assert.equal(
            outcome(f, library, made, site),
            cold[i],
            `seed ${seed}: ${f.prototype}, hot, with ${inspect(made.args)}`,
          );
      }
    }
    for (const [i, made] of list.entries()) {
      /* What a callback throws there has no caller: it is an uncaught exception. */
      if (i % 5 < 2 || (f.back && made.wrong)) continue;
      assert.equal(
        await outcomeLater(f, library, made, call),
        cold[i],
        `seed ${seed}: ${f.prototype}, async, with ${inspect(made.args)}`,
      );
    }
    result[f.prototype] = cold;
  }
  process.stdout.write(JSON.stringify(result));
}

main();
