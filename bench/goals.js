'use strict';
/*
 * The speed biffi sets out to have, per case: `ratio` to plain C through a function pointer in the same run, or
 * `ns`; for Node.js 20 and 22, and for 24 and later.
 */
const goal = (column, name, kind, old, recent) => ({
  column,
  case: name,
  kind,
  at: { 20: old, 22: old, 24: recent, 26: recent },
});

const goals = [
  goal('biffi', 'nop', 'ratio', 3, 2.5),
  goal('biffi', 'add_i32', 'ratio', 3, 2.5),
  goal('biffi', 'sum8', 'ratio', 3, 2.5),
  goal('biffi', 'add_f64', 'ratio', 6, 2.5),
  goal('biffi', 'bytes', 'ratio', 5, 5),
  goal('biffi', 'strlen12', 'ratio', 4, 4),
  goal('biffi', 'greet', 'ns', 60, 60),
  goal('biffi', 'add_i64n', 'ratio', 4, 4),
  { ...goal('biffi', 'add_i64b', 'ratio', 9, 9), at: { 22: 9, 24: 9, 26: 9 } },
  goal('biffi', 'norm1', 'ratio', 6, 6),
  goal('biffi', 'mid', 'ns', 45, 40),
  goal('biffi', 'cb100', 'ns', 65, 60),
  goal('biffi', 'qsort', 'ns', 65, 60),
  goal('biffi', 'poly8', 'ns', 10, 10),
  goal('biffi-napi', 'add_i32', 'ratio', 20, 20),
  goal('biffi', 'load300', 'ns', 5000, 5000),
];

module.exports = goals;
