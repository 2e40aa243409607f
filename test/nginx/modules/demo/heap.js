'use strict';
// What V8's options made of this runtime's heap, after enough garbage for its young
// generation to have grown as far as it may.
const v8 = require('node:v8');

exports.sizes = () => {
  const kept = [];
  for (let i = 0; i < 2e6; i++) kept[i % 100000] = { i, list: [i] };
  const young = v8.getHeapSpaceStatistics().find((space) => space.space_name === 'new_space');
  return { young: young.space_size, limit: v8.getHeapStatistics().heap_size_limit };
};
