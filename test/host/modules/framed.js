'use strict';
/* Answers in two parts, as a host's adapter gives them. */
exports.open = (config, argument, { Framed, keepHead }) => {
  const kept = keepHead('kept\n');
  const many = Array.from({ length: 40 }, (_, i) => keepHead(`${i}:`));
  const bodies = {
    text: 'body',
    latin1: 'gr\u00fc\u00df',
    wide: '\u20ac \u{1f418}',
    none: null,
    missing: undefined,
    empty: '',
    bytes: Buffer.from([0, 1, 0, 255]),
    words: new Uint16Array([1, 2]),
    memory: new Uint8Array([1, 0]).buffer,
  };
  return (request, { method }) => {
    switch (method) {
      case 'kept':
        return new Framed(kept, bodies[request]);
      case 'later':
        return Promise.resolve(new Framed(kept, bodies[request]));
      case 'own':
        return new Framed('own\n', bodies[request]);
      case 'many':
        return new Framed(many[request], 'x');
      case 'plain':
        return bodies[request];
      case 'other':
        return new Framed(request === 'kept' ? kept : 'own\n', { no: 'bytes' });
    }
  };
};
