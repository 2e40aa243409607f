'use strict';
/*
 * The dynamic symbol table of an ELF shared library (System V ABI, chapters 4 and 5).
 * Only the program headers and the dynamic section are used: a stripped library keeps
 * those.
 */
const { failure } = require('./errors');

const PT = { LOAD: 1, DYNAMIC: 2 };
const DT = { HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, GNU_HASH: 0x6ffffef5 };
const KINDS = { 0: 'variable', 1: 'variable', 2: 'function', 6: 'tls', 10: 'ifunc' };
const SYMBOL_SIZE = 24;

/**
 * @param {Buffer} file
 * @param {string} path for messages
 * @returns {{ name: string, kind: string, size: number, weak: boolean }[]} by name
 */
function exportsOf(file, path) {
  try {
    return read(file, path);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw failure('BF_ELIBRARY', `${path}: the ELF file is damaged: it points beyond its end`);
  }
}

function read(file, path) {
  if (file.length < 64 || file.readUInt32BE(0) !== 0x7f454c46)
    throw failure('BF_ELIBRARY', `${path}: not an ELF file`);
  if (file[4] !== 2 || file[5] !== 1)
    throw failure('BF_ELIBRARY', `${path}: not a 64-bit little-endian ELF file`);
  const word = (offset) => Number(file.readBigUInt64LE(offset));

  const headers = [];
  for (let i = 0; i < file.readUInt16LE(56); i++) {
    const at = word(32) + i * file.readUInt16LE(54);
    headers.push({
      type: file.readUInt32LE(at),
      offset: word(at + 8),
      address: word(at + 16),
      size: word(at + 32),
    });
  }
  const place = (address) => {
    const segment = headers.find(
      (h) => h.type === PT.LOAD && address >= h.address && address < h.address + h.size,
    );
    if (segment === undefined) throw new RangeError('outside of the file');
    return address - segment.address + segment.offset;
  };
  const dynamic = headers.find((h) => h.type === PT.DYNAMIC);
  if (dynamic === undefined)
    throw failure('BF_ELIBRARY', `${path}: not a shared library: it has no dynamic section`);
  const tags = new Map();
  for (let at = dynamic.offset; at < dynamic.offset + dynamic.size && word(at) !== 0; at += 16) {
    tags.set(word(at), word(at + 8));
  }
  if (!tags.has(DT.SYMTAB) || !tags.has(DT.STRTAB)) return [];

  const symbols = place(tags.get(DT.SYMTAB));
  const strings = place(tags.get(DT.STRTAB));
  const count = tags.has(DT.HASH)
    ? file.readUInt32LE(place(tags.get(DT.HASH)) + 4)
    : gnuCount(file, place(tags.get(DT.GNU_HASH)));
  const list = [];
  for (let i = 1; i < count; i++) {
    const at = symbols + i * SYMBOL_SIZE;
    const info = file[at + 4];
    const kind = KINDS[info & 15];
    const binding = info >> 4;
    const defined = file.readUInt16LE(at + 6) !== 0;
    const visible = (file[at + 5] & 3) === 0 || (file[at + 5] & 3) === 3;
    if (!defined || !visible || kind === undefined || binding === 0) continue;
    const start = strings + file.readUInt32LE(at);
    list.push({
      name: file.toString('utf8', start, file.indexOf(0, start)),
      kind,
      size: word(at + 16),
      weak: binding === 2,
    });
  }
  const order = new Intl.Collator('en').compare;
  list.sort((a, b) => order(a.name, b.name));
  /* One line a name: a library may have several versions of a symbol. */
  return list.filter((s, i) => i === 0 || s.name !== list[i - 1].name);
}

/** Symbols up to the last one of the last chain of a GNU hash table. */
function gnuCount(file, at) {
  const buckets = file.readUInt32LE(at);
  const first = file.readUInt32LE(at + 4);
  const table = at + 16 + file.readUInt32LE(at + 8) * 8;
  let last = 0;
  for (let i = 0; i < buckets; i++) last = Math.max(last, file.readUInt32LE(table + i * 4));
  if (last < first) return first;
  const chains = table + buckets * 4;
  while ((file.readUInt32LE(chains + (last - first) * 4) & 1) === 0) last++;
  return last + 1;
}

module.exports = { exportsOf };
