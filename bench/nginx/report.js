'use strict';
/* The door-in figures as a table, a picture and a verdict. */
const { median, table } = require('../report.js');

/**
 * data of run.js -> { data, cell(mode, size, connections), sequential(mode, size), startup(mode), and
 * ratio(name, mode, other, size, connections), the median of each round's }
 */
function summarise(data) {
  const cell = (key, size, connections) => {
    const runs = data.results[key]?.load[`${size}/${connections}`];
    if (!runs?.length) return undefined;
    return Object.fromEntries(
      Object.keys(runs[0]).map((name) => [name, median(runs.map((run) => run[name]))]),
    );
  };
  const sequential = (key, size) => {
    const runs = data.results[key]?.sequential[size];
    return runs?.length ? median(runs) : undefined;
  };
  const startup = (key) => {
    const runs = data.results[key]?.startups;
    return runs?.length ? median(runs) : undefined;
  };
  const ratio = (name, key, other, size, connections) => {
    const [ours, theirs] = [key, other].map((k) => data.results[k]?.load[`${size}/${connections}`]);
    if (!ours || !theirs) return undefined;
    const both = Math.min(ours.length, theirs.length); /* less where a way failed on its way */
    return median(ours.slice(0, both).map((run, i) => run[name] / theirs[i][name]));
  };
  return { data, cell, sequential, startup, ratio };
}

const sizeName = (size) => (size < 1024 ? `${size} B` : `${size / 1024} KB`);
const us = (value) => (value === undefined ? '' : value >= 100 ? value.toFixed(0) : value.toFixed(1));
const thousands = (value) => (value >= 9950 ? `${(value / 1000).toFixed(1)}k` : value.toFixed(0));

/** The ratios biffi sets out to have; `when` they can be told, `ok` and `text`. */
function verdict({ data, cell, sequential, startup, ratio }) {
  const lines = [];
  const has = (key) => data.modes.some((m) => m.key === key);
  const say = (text, value, limit, atMost) => {
    const ok = atMost ? value <= limit : value >= limit;
    lines.push({
      ok,
      text: `${text}: ${value.toFixed(2)}, goal ${atMost ? 'at most' : 'at least'} ${limit}`,
    });
  };
  const missing = (text, key) => lines.push({ ok: false, text: `${text}: not measured, ${key} is missing` });
  const compare = (text, ours, theirs, value, limit, atMost) => {
    const absent = [ours, theirs].find((key) => !has(key));
    /* what was not asked for is no goal missed */
    if (absent) return data.absent.some((a) => a.key === absent) ? missing(text, absent) : undefined;
    const result = value();
    return result === undefined || Number.isNaN(result) ? undefined : say(text, result, limit, atMost);
  };

  for (const [key, limit] of [
    ['inline', 0.1],
    ['thread', 0.5],
  ]) {
    compare(
      `${key}: a sequential call of 16 B, of a unix-socket round trip`,
      key,
      'cosocket',
      () => sequential(key, 16) / sequential('cosocket', 16),
      limit,
      true,
    );
  }
  const many = data.connections.includes(64) ? 64 : undefined;
  const rate = (a, b, size, c) => () => ratio('rps', a, b, size, c);
  const small = data.sizes.filter((size) => size <= 10240);
  if (many) {
    for (const size of small) {
      const at = `requests/s, ${sizeName(size)}, 64 connections`;
      const against = (key, other, name, limit) =>
        has(key) && !cell(key, size, many)
          ? undefined /* a way that large requests only are measured for */
          : compare(`${key}: ${at}, of ${name}`, key, other, rate(key, other, size, many), limit);
      for (const key of ['inline', 'inline-buffer', 'inline-directive']) {
        against(key, 'lua', 'Lua alone', 0.85);
        against(key, 'proxy', 'proxy_pass', 3);
      }
      for (const mode of ['thread', 'process']) {
        for (const key of [mode, `${mode}-buffer`, `${mode}-directive`]) {
          against(key, 'proxy', 'proxy_pass', 2.5);
          against(key, 'skeleton', "the original's design", 1.2);
        }
      }
    }
  }
  for (const key of ['inline', 'thread', 'process'].flatMap((m) => [m, `${m}-buffer`, `${m}-directive`])) {
    for (const c of data.connections) {
      if (data.sizes.includes(102400)) {
        compare(
          `${key}: requests/s, 100 KB, ${c} connections, of proxy_pass`,
          key,
          'proxy',
          rate(key, 'proxy', 102400, c),
          1,
        );
      }
      for (const size of data.sizes) {
        if (has(key) && !cell(key, size, c)) continue;
        compare(
          `${key}: p99, ${sizeName(size)}, ${c} connections, of proxy_pass`,
          key,
          'proxy',
          () => ratio('p99', key, 'proxy', size, c),
          1,
          true,
        );
      }
    }
    const ms = startup(key);
    if (ms !== undefined) say(`${key}: start-up of the runtime, ms`, ms, 100, true);
  }
  return lines;
}

function markdown(summary) {
  const { data, cell, sequential, startup } = summary;
  const out = [
    '# nginx asks Node.js: biffi inside, and what else there is',
    '',
    `${data.date.slice(0, 10)}; ${data.machine}; nginx ${data.nginx}, one worker each; Node.js beside nginx ${data.origin}. ` +
      `${data.rounds} rounds, medians, ${data.seconds} s in all; in each ${data.turns} turns of every way for each figure, ` +
      `one right after the other: ${data.duration / data.turns} s of wrk, or at one connection ${data.burst} requests of h2load, whose ` +
      'requests/s are of the time it waits for answers. Both run on the same machine. Every way gets a size and answers as many bytes, with Content-Length; calls in sequence send as many ' +
      'as they get. CPU: of nginx, and of Node.js wherever it runs, per request.',
  ];
  const titles = new Map(data.modes.map((m) => [m.key, m.ours ? `**${m.title}**` : m.title]));
  for (const size of data.sizes) {
    for (const c of data.connections) {
      const rows = data.modes
        .map(({ key }) => ({ key, at: cell(key, size, c) }))
        .filter(({ at }) => at)
        .map(({ key, at }) => [titles.get(key), thousands(at.rps), us(at.p50), us(at.p99), us(at.cpu)]);
      if (!rows.length) continue;
      out.push('', `## ${sizeName(size)}, ${c === 1 ? '1 connection' : `${c} connections`}`, '');
      out.push(table(['', 'requests/s', 'p50 µs', 'p99 µs', 'CPU µs a request'], rows));
    }
  }
  const calls = data.modes.filter(({ key }) =>
    data.sizes.some((size) => sequential(key, size) !== undefined),
  );
  if (calls.length) {
    out.push('', '## One call after the other, in one request: µs a call', '');
    out.push(
      table(
        ['', ...data.sizes.map(sizeName)],
        calls.map(({ key }) => [titles.get(key), ...data.sizes.map((size) => us(sequential(key, size)))]),
      ),
    );
  }
  out.push(
    '',
    '## Memory and start-up',
    '',
    'Of runtimes that Lua loads: libnode is mapped by `preload()` in `init_by_lua`, the rest happens in `load_ffi`; median of fresh starts.',
    '',
  );
  out.push(
    table(
      ['', 'worker, MB', 'child process, MB', 'runtime start, ms'],
      data.modes.map(({ key }) => {
        const { rss, childRss } = data.results[key];
        return [
          titles.get(key),
          rss?.toFixed(0) ?? '',
          childRss ? childRss.toFixed(0) : '',
          startup(key)?.toFixed(0) ?? '',
        ];
      }),
    ),
  );
  if (data.absent.length)
    out.push('', '## Not measured', '', ...data.absent.map(({ title, why }) => `- ${title}: ${why}`));
  const lines = verdict(summary);
  const passed = lines.filter(({ ok }) => ok).length;
  out.push(
    '',
    '## Goals',
    '',
    'Ratios are medians of those within each round.',
    '',
    '```',
    ...lines.map(({ ok, text }) => `${ok ? 'PASS' : 'MISS'}  ${text}`),
    '```',
    '',
  );
  const last =
    lines.length === 0
      ? 'Verdict: nothing of biffi was measured'
      : `Verdict: ${passed === lines.length ? 'PASS' : 'MISS'}, ${passed} of ${lines.length} goals met`;
  out.push(last);
  return out.join('\n') + '\n';
}

/** A line per way: requests/s at many connections by size, and a sequential call of 16 B. */
function shortTable(summary) {
  const { data, cell, sequential } = summary;
  const many = Math.max(...data.connections);
  const rows = data.modes.map(({ key, title, ours }) => [
    ours ? `**${title}**` : title,
    ...data.sizes.map((size) => {
      const at = cell(key, size, many);
      return at ? thousands(at.rps) : '';
    }),
    us(sequential(key, data.sizes[0])),
  ]);
  return table(['', ...data.sizes.map(sizeName), `a call of ${sizeName(data.sizes[0])}, µs`], rows);
}

const COLORS = { ours: '#d9480f', original: '#a61e4d', node: '#1864ab', nginx: '#868e96' };
const colorOf = ({ key, ours }) =>
  key === 'skeleton'
    ? COLORS.original
    : ours
      ? COLORS.ours
      : /^(cosocket|proxy)$/.test(key)
        ? COLORS.node
        : COLORS.nginx;

/** Bars of requests/s: a column of panels per number of connections, a panel per size. */
function picture({ data, cell }) {
  const panel = { width: 470, row: 21, head: 40, label: 168 };
  const height = panel.head + panel.row * data.modes.length + 16;
  const width = 20 + panel.width * data.connections.length;
  const total = 64 + height * data.sizes.length + 10;
  const out = [];
  data.sizes.forEach((size, row) => {
    data.connections.forEach((c, column) => {
      const x = 20 + column * panel.width;
      const y = 64 + row * height;
      const rates = data.modes.map((mode) => ({ mode, at: cell(mode.key, size, c) })).filter(({ at }) => at);
      const top = Math.max(1, ...rates.map(({ at }) => at.rps));
      out.push(
        `<text x="${x}" y="${y + 16}" class="h">${sizeName(size)}, ${c === 1 ? '1 connection' : `${c} connections`}</text>`,
      );
      rates.forEach(({ mode, at }, i) => {
        const line = y + 26 + i * panel.row;
        const from = x + panel.label;
        out.push(`<text x="${from - 8}" y="${line + 13}" text-anchor="end">${mode.title}</text>`);
        const long = (at.rps / top) * (panel.width - panel.label - 80);
        out.push(
          `<rect x="${from}" y="${line + 2}" width="${long.toFixed(1)}" height="${panel.row - 5}" fill="${colorOf(mode)}"/>`,
        );
        out.push(
          `<text x="${(from + long + 6).toFixed(1)}" y="${line + 13}" class="v">${thousands(at.rps)}/s</text>`,
        );
      });
    });
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${total}" viewBox="0 0 ${width} ${total}">
<style>text { font: 12px "DejaVu Sans", "Segoe UI", Helvetica, Arial, sans-serif; fill: #212529 } .h { font-weight: bold; font-size: 13px } .v { fill: #495057; font-size: 11px } .t { font-size: 17px; font-weight: bold }</style>
<rect width="100%" height="100%" fill="#ffffff"/>
<text x="20" y="30" class="t">Requests a second through one nginx ${data.nginx} worker: longer is better</text>
${out.join('\n')}
</svg>
`;
}

module.exports = { summarise, markdown, picture, shortTable };
