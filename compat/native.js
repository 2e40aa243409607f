'use strict';
/**
 * What the packages of this folder need from the addon: the two rooms `rawmem` and `frames`, as they are.
 */
const addon = require('../lib/native.js');

module.exports = { rawmem: addon.rawmem, frames: addon.frames };
