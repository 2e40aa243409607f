'use strict';
/*
 * Numbers of C's long double that no Number is: mantissa * 2 ** exponent, exactly.
 * Results, members and what out() receives are Numbers where a Number is exact, and
 * one of these where it is not, as 64-bit integers are BigInt where they must be.
 *
 *   const root = lib.sqrtl(2);   // LongDouble 1.41421356237309504876
 *   Number(root); root * 2;      // rounded to a Number, knowingly
 *   lib.same(root);              // exactly the value that came
 */
const { failure, expected, inspect } = require('./errors');

/* Digits that tell any two values of 64 and of 113 bits apart. */
const DIGITS = process.arch === 'arm64' ? 36 : 21;

/* More than any long double has, and few enough digits to write down. */
const EXPONENT = 32768;

class LongDouble {
  /**
   * @param {bigint} mantissa with the sign
   * @param {number} exponent of 2
   */
  constructor(mantissa, exponent = 0) {
    if (typeof mantissa !== 'bigint') throw expected('LongDouble: mantissa', 'a BigInt', mantissa);
    if (!Number.isInteger(exponent)) throw expected('LongDouble: exponent', 'an integer', exponent);
    if (Math.abs(exponent) > EXPONENT) {
      throw failure(
        'BF_ERANGE',
        `LongDouble: exponent: expected -${EXPONENT} to ${EXPONENT}, got ${exponent}`,
      );
    }
    this.mantissa = mantissa;
    this.exponent = exponent;
    Object.freeze(this);
  }

  /** The Number next to it. */
  valueOf() {
    /* In two steps, neither of which overflows before the product does. */
    const half = Math.trunc(this.exponent / 2);
    return Number(this.mantissa) * 2 ** half * 2 ** (this.exponent - half);
  }

  /** Decimal, with as many digits as tell it from its neighbours. */
  toString() {
    const { mantissa, exponent } = this;
    if (mantissa === 0n) return '0';
    const sign = mantissa < 0n ? '-' : '';
    const [digits, power] = decimal(mantissa < 0n ? -mantissa : mantissa, exponent);
    const [first, rest] = [digits[0], digits.slice(1)];
    if (power >= DIGITS || power < -7) {
      return `${sign}${first}${rest && `.${rest}`}e${power < 0 ? '-' : '+'}${Math.abs(power)}`;
    }
    if (power < 0) return `${sign}0.${'0'.repeat(-power - 1)}${digits}`;
    const whole = digits.slice(0, power + 1).padEnd(power + 1, '0');
    const behind = digits.slice(power + 1);
    return `${sign}${whole}${behind && `.${behind}`}`;
  }

  /** Its digits, as of BigInts. */
  toJSON() {
    return this.toString();
  }

  [inspect.custom]() {
    return `LongDouble ${this}`;
  }
}

/** [digits without zeros behind, power of ten of the first] of mantissa * 2 ** exponent > 0. */
function decimal(mantissa, exponent) {
  const above = exponent > 0 ? mantissa << BigInt(exponent) : mantissa;
  const below = exponent < 0 ? 1n << BigInt(-exponent) : 1n;
  let power = Math.floor((mantissa.toString(2).length - 1 + exponent) * Math.LOG10E * Math.LN2);
  for (;;) {
    const shift = DIGITS - 1 - power;
    const [a, b] =
      shift >= 0 ? [above * 10n ** BigInt(shift), below] : [above, below * 10n ** BigInt(-shift)];
    const digits = ((2n * a + b) / (2n * b)).toString();
    /* The estimate is one off at times, and rounding up may add a digit. */
    if (digits.length === DIGITS) return [digits.replace(/0+$/, ''), power];
    power += digits.length > DIGITS ? 1 : -1;
  }
}

module.exports = { LongDouble };
