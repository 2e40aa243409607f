'use strict';
// A picture drawn by cairo from its header: gradients, curves, text; written to a PNG by a JavaScript function.

const fs = require('node:fs');
const { load, handle, pointerAt } = require('biffi');

const cairo = load('libcairo.so.2', { header: 'cairo/cairo.h', prefix: 'cairo_' });
const Surface = handle(cairo.surface_t, cairo.surface_destroy);
const Context = handle(cairo.t, cairo.destroy);
const Pattern = handle(cairo.pattern_t, cairo.pattern_destroy);

const [WIDTH, HEIGHT] = [480, 320];
const surface = new Surface(cairo.image_surface_create('CAIRO_FORMAT_ARGB32', WIDTH, HEIGHT));
const cr = new Context(cairo.create(surface));

function paint(pattern, stops) {
  for (const [at, r, g, b] of stops) cairo.pattern_add_color_stop_rgb(pattern, at, r, g, b);
  cairo.set_source(cr, pattern);
  cairo.fill(cr);
  pattern.close();
}
// The evening sky, the sun in it, hills that get darker to the front.
cairo.rectangle(cr, 0, 0, WIDTH, HEIGHT);
paint(new Pattern(cairo.pattern_create_linear(0, 0, 0, HEIGHT)), [
  [0, 0.1, 0.12, 0.35],
  [0.6, 0.85, 0.4, 0.3],
  [1, 1, 0.75, 0.35],
]);
cairo.arc(cr, 330, 190, 55, 0, 2 * Math.PI);
paint(new Pattern(cairo.pattern_create_radial(330, 190, 10, 330, 190, 55)), [
  [0, 1, 0.98, 0.8],
  [1, 1, 0.7, 0.3],
]);
for (let row = 0; row < 4; row++) {
  const y = 210 + row * 28;
  cairo.move_to(cr, 0, HEIGHT);
  cairo.line_to(cr, 0, y);
  for (let x = 0; x <= WIDTH; x += 8) cairo.line_to(cr, x, y + 16 * Math.sin(x / (38 + row * 11) + row * 2));
  cairo.line_to(cr, WIDTH, HEIGHT);
  cairo.set_source_rgb(cr, 0.35 - row * 0.08, 0.22 - row * 0.05, 0.32 - row * 0.06);
  cairo.fill(cr);
}
cairo.select_font_face(cr, 'sans-serif', 'CAIRO_FONT_SLANT_NORMAL', 'CAIRO_FONT_WEIGHT_BOLD');
cairo.set_font_size(cr, 34);
cairo.set_source_rgba(cr, 1, 1, 1, 0.9);
cairo.move_to(cr, 28, 60);
cairo.show_text(cr, 'drawn from JavaScript');
// cairo hands the PNG over piece by piece.
const pieces = [];
const status = cairo.surface_write_to_png_stream(
  surface,
  (closure, data, length) => (pieces.push(Buffer.from(pointerAt(data).toArrayBuffer(length))), 0),
  null,
);
if (status !== 0) throw new Error(cairo.status_to_string(status));
const file = process.argv[2] ?? 'picture.png';
fs.writeFileSync(file, Buffer.concat(pieces));
console.log(`${file}: ${WIDTH} x ${HEIGHT}, by cairo ${cairo.version_string()}`);
