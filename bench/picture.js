'use strict';
/* The picture of one Node.js version: a line per case, a mark per peer on a logarithmic scale of nanoseconds. */
const { columnsOf, ns } = require('./report.js');

const STYLE = {
  c: { color: '#6b7280', shape: 'bar' },
  biffi: { color: '#d9480f', shape: 'dot', size: 7 },
  'biffi-napi': { color: '#f59f00', shape: 'dot', size: 5 },
  'biffi-ffi': { color: '#ffd43b', shape: 'dot', size: 5 },
  compat: { color: '#e8590c', shape: 'triangle' },
  napi: { color: '#1f6f43', shape: 'square' },
  koffi: { color: '#1864ab', shape: 'square' },
  'ffi-rs': { color: '#862e9c', shape: 'triangle' },
  'ffi-napi': { color: '#a61e4d', shape: 'triangle' },
  'node-ffi': { color: '#2f9e44', shape: 'diamond' },
  deno: { color: '#111827', shape: 'diamond' },
  bun: { color: '#c2255c', shape: 'diamond' },
};

const LEFT = 190;
const RIGHT = 90;
const WIDTH = 1040;
const ROW = 26;
const TOP = 118;

const escape = (text) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;');

function mark({ color, shape, size = 4.5 }, x, y, title) {
  const tip = `<title>${escape(title)}</title>`;
  const at = (dx, dy) => `${(x + dx).toFixed(1)},${(y + dy).toFixed(1)}`;
  const s = size;
  const line = 'stroke="#fff" stroke-width="0.8"';
  switch (shape) {
    case 'bar':
      return `<rect x="${(x - 1.5).toFixed(1)}" y="${y - 9}" width="3" height="18" fill="${color}">${tip}</rect>`;
    case 'square':
      return `<rect x="${(x - s).toFixed(1)}" y="${y - s}" width="${2 * s}" height="${2 * s}" fill="${color}" ${line}>${tip}</rect>`;
    case 'triangle':
      return `<polygon points="${at(0, -s - 1)} ${at(s + 0.5, s)} ${at(-s - 0.5, s)}" fill="${color}" ${line}>${tip}</polygon>`;
    case 'diamond':
      return `<polygon points="${at(0, -s - 1)} ${at(s + 1, 0)} ${at(0, s + 1)} ${at(-s - 1, 0)}" fill="${color}" ${line}>${tip}</polygon>`;
    default:
      return `<circle cx="${x.toFixed(1)}" cy="${y}" r="${s}" fill="${color}" ${line}>${tip}</circle>`;
  }
}

/**
 * @param {object} summary of report.js
 * @param {number} node the Node.js major
 * @returns {string} SVG
 */
function picture(summary, node) {
  const columns = columnsOf(summary, node);
  const values = [];
  for (const { name } of columns) {
    for (const kase of summary.cases) {
      const cell = summary.cells[name][kase.name];
      if (cell && !cell.failed) values.push(cell.median);
    }
  }
  if (!values.length) return '<svg xmlns="http://www.w3.org/2000/svg" width="1" height="1"/>\n';
  const low = Math.floor(Math.log10(Math.min(...values)));
  const high = Math.ceil(Math.log10(Math.max(...values)));
  const scale = (v) => LEFT + ((Math.log10(v) - low) / (high - low)) * (WIDTH - LEFT - RIGHT);
  const bottom = TOP + ROW * summary.cases.length;
  const out = [];

  for (let e = low; e <= high; e++) {
    const x = scale(10 ** e).toFixed(1);
    const text = e < 3 ? `${10 ** e} ns` : e < 6 ? `${10 ** (e - 3)} µs` : `${10 ** (e - 6)} ms`;
    out.push(`<line x1="${x}" y1="${TOP - 6}" x2="${x}" y2="${bottom}" stroke="#ced4da"/>`);
    out.push(`<text x="${x}" y="${TOP - 12}" text-anchor="middle" class="s">${text}</text>`);
    out.push(`<text x="${x}" y="${bottom + 16}" text-anchor="middle" class="s">${text}</text>`);
    for (let k = 2; k < 10 && e < high; k++) {
      const minor = scale(k * 10 ** e).toFixed(1);
      out.push(`<line x1="${minor}" y1="${TOP}" x2="${minor}" y2="${bottom}" stroke="#f1f3f5"/>`);
    }
  }

  summary.cases.forEach((kase, row) => {
    const y = TOP + ROW * row + ROW / 2;
    if (row % 2 === 0)
      out.unshift(`<rect x="0" y="${y - ROW / 2}" width="${WIDTH}" height="${ROW}" fill="#f8f9fa"/>`);
    out.push(`<text x="${LEFT - 14}" y="${y + 4}" text-anchor="end">${escape(kase.title)}</text>`);
    /* ours last, on top of the others */
    for (const column of [...columns].reverse()) {
      const cell = summary.cells[column.name][kase.name];
      if (!cell || cell.failed) continue;
      out.push(mark(STYLE[column.peer], scale(cell.median), y, `${column.title}: ${ns(cell.median)} ns`));
    }
    const ours = summary.cells[`biffi@${node}`]?.[kase.name];
    const value = ours?.failed ? '–' : ours ? `${ns(ours.median)} ns` : '';
    out.push(`<text x="${WIDTH - 12}" y="${y + 4}" text-anchor="end" class="v">${value}</text>`);
  });

  const info = summary.data.columns.find((c) => c.node === node && c.info)?.info;
  const legend = [];
  let x = 24;
  let y = 56;
  for (const { peer, title } of columns) {
    const width = 34 + title.length * 7.2;
    if (x + width > WIDTH - 20) {
      x = 24;
      y += 22;
    }
    legend.push(mark(STYLE[peer], x, y, title), `<text x="${x + 14}" y="${y + 4}">${escape(title)}</text>`);
    x += width;
  }
  const has = summary.cells[`biffi@${node}`];
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${bottom + 30}" viewBox="0 0 ${WIDTH} ${bottom + 30}">
<style>text { font: 12.5px "DejaVu Sans", "Segoe UI", Helvetica, Arial, sans-serif; fill: #212529 } .s { font-size: 11px; fill: #495057 } .v { font-weight: bold; fill: #d9480f } .t { font-size: 17px; font-weight: bold }</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="20" y="30" class="t">Time of one call from JavaScript, Node.js ${info?.node ?? node}: left is faster</text>
${legend.join('\n')}
${has ? `<text x="${WIDTH - 12}" y="${TOP - 12}" text-anchor="end" class="v">biffi</text>` : ''}
${out.join('\n')}
</svg>
`;
}

module.exports = { picture };
