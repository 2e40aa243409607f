'use strict';
// Functions of libm: paste the C declaration, call.

const { load, Library } = require('biffi');

const { cos, hypot } = load('libm.so.6', 'double cos(double x); double hypot(double x, double y);');
console.log('cos(π / 3)  =', cos(Math.PI / 3));
console.log('hypot(3, 4) =', hypot(3, 4));

// The same as ffi-napi spells it.
const libm = Library('libm.so.6', { pow: ['double', ['double', 'double']] });
console.log('pow(2, 0.5) =', libm.pow(2, 0.5));

// Nothing is silently converted.
try {
  hypot('3', 4);
} catch (error) {
  console.log(`${error.name}: ${error.message}`);
}
