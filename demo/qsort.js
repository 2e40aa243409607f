'use strict';
// C calls back: libc's qsort with a comparison written in JavaScript.

const { load } = require('biffi');

const { qsort } = load(
  null, // the running process, which has libc in it
  'void qsort(void *base, size_t n, size_t size, int (*compare)(const double *a, const double *b));',
);

const numbers = Float64Array.of(31, 4, 15, 92, 6, 5, 35);
let calls = 0;
qsort(numbers, numbers.length, numbers.BYTES_PER_ELEMENT, (a, b) => {
  calls++;
  return Math.sign(a.value - b.value);
});
console.log(`sorted in place with ${calls} calls from C: ${numbers.join(' ')}`);

// What a callback throws arrives where C was called, as the same object.
const mine = new Error('no order among these');
try {
  qsort(numbers, numbers.length, numbers.BYTES_PER_ELEMENT, () => {
    throw mine;
  });
} catch (error) {
  console.log(`caught: ${error.message}; the same error: ${error === mine}`);
}
