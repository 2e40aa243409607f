'use strict';
/* From the raw rounds to figures, tables and the verdict. */
const { cases, loads } = require('./cases.js');
const goals = require('./goals.js');

const OURS = /^(biffi|compat)/;
const NOISE = 1.25; /* the same peer differs by this much between two runs; less is no difference */

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const half = sorted.length >> 1;
  return sorted.length % 2 ? sorted[half] : (sorted[half - 1] + sorted[half]) / 2;
}

/**
 * The figures of a run: cells[column][case] is { best, median, ratio, bestRatio } in nanoseconds an operation and
 * times plain C, or { failed: why }.
 */
function summarise(data) {
  const cells = {};
  for (const { name } of data.columns) {
    cells[name] = {};
    for (const [kase, { rounds, lacks, error }] of Object.entries(data.results[name])) {
      if (lacks || error || rounds.length === 0) {
        cells[name][kase] = { failed: lacks ?? error ?? 'no result', lacks: Boolean(lacks) };
        continue;
      }
      const cell = {
        best: Math.min(...rounds.map((r) => r.best)),
        median: median(rounds.map((r) => r.median)),
      };
      for (const key of ['import', 'define', 'hold', 'call']) {
        if (rounds[0][key] !== undefined) cell[key] = median(rounds.map((r) => r[key]));
      }
      cells[name][kase] = cell;
    }
  }
  for (const column of Object.values(cells)) {
    for (const [kase, cell] of Object.entries(column)) {
      const c = cells.c[kase];
      if (!c || c.failed || cell.failed) continue;
      cell.ratio = cell.median / c.median;
      cell.bestRatio = cell.best / c.best;
    }
  }
  const order = [...cases, ...loads].filter((k) => data.columns.some((c) => data.results[c.name][k.name]));
  const nodes = [...new Set(data.columns.map((c) => c.node).filter(Boolean))].sort((a, b) => a - b);
  return { data, cells, cases: order, nodes };
}

/** The columns that stand beside each other on a Node.js version: its own, and those that are no Node.js. */
function columnsOf({ data, nodes }, node) {
  const last = nodes[nodes.length - 1];
  return data.columns.filter(
    (c) => c.node === node || c.name === 'c' || (c.node === undefined && node === last),
  );
}

function ns(value) {
  if (value >= 1e6) return `${(value / 1e6).toPrecision(3)}M`;
  if (value >= 10000) return `${(value / 1000).toPrecision(3)}k`;
  return value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2);
}

const times = (ratio) => (ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(1));

function table(header, rows) {
  return [header, header.map((_, i) => (i ? '--:' : ':--')), ...rows]
    .map((row) => `| ${row.join(' | ')} |`)
    .join('\n');
}

function label(column) {
  return column.title;
}

function timesTable(summary, node) {
  const columns = columnsOf(summary, node);
  const rows = summary.cases.map((kase) => [
    kase.title,
    ...columns.map((column) => {
      const cell = summary.cells[column.name][kase.name];
      if (!cell) return '';
      if (cell.failed) return cell.lacks ? '–' : '✗';
      const text = `${ns(cell.median)}${cell.ratio && column.name !== 'c' ? ` (${times(cell.ratio)})` : ''}`;
      return column.name === 'biffi' || column.name.startsWith('biffi@') ? `**${text}**` : text;
    }),
  ]);
  return table(['ns (times C)', ...columns.map(label)], rows);
}

function bestTable(summary, node) {
  const columns = columnsOf(summary, node);
  const rows = summary.cases.map((kase) => [
    kase.title,
    ...columns.map((column) => {
      const cell = summary.cells[column.name][kase.name];
      return !cell
        ? ''
        : cell.failed
          ? '–'
          : `${ns(cell.best)}${cell.bestRatio && column.name !== 'c' ? ` (${times(cell.bestRatio)})` : ''}`;
    }),
  ]);
  return table(['ns (times C)', ...columns.map(label)], rows);
}

function startTable(summary) {
  const rows = [];
  for (const column of summary.data.columns) {
    const [few, many] = [summary.cells[column.name].load30, summary.cells[column.name].load300];
    if (!many || many.failed || column.name === 'c') continue;
    const each = (cell) =>
      cell && !cell.failed
        ? [cell.import, cell.define, cell.hold, cell.call].map((t) => t.toFixed(2))
        : ['', '', '', ''];
    rows.push([column.name, ...each(few), ...each(many).slice(1)]);
  }
  if (!rows.length) return '';
  return table(
    ['ms', 'import', 'define 30', 'hold 30', 'call each', 'define 300', 'hold 300', 'call each'],
    rows,
  );
}

/** biffi on every Node.js version beside the others on the newest. */
function shortTable(summary) {
  const last = summary.nodes[summary.nodes.length - 1];
  const others = columnsOf(summary, last).filter((c) => !OURS.test(c.name));
  const mine = summary.data.columns.filter((c) => c.peer === 'biffi');
  if (!mine.length) return '';
  const columns = [others[0], ...mine, ...others.slice(1)];
  const title = (c) =>
    c.peer === 'biffi' ? `biffi, Node ${c.node}` : c.node ? `${c.title}, Node ${c.node}` : c.title;
  const rows = summary.cases.map((kase) => {
    const text = columns.map((column) => {
      const cell = summary.cells[column.name][kase.name];
      return !cell ? '' : cell.failed ? (cell.lacks ? '–' : '✗') : ns(cell.median);
    });
    return [kase.title, ...text.map((t, i) => (columns[i].peer === 'biffi' ? `**${t}**` : t))];
  });
  return table(['ns', ...columns.map(title)], rows);
}

/** What a peer could not do, or did wrong, each reason once. */
function notes(summary) {
  const reasons = new Map();
  for (const { name } of summary.data.columns) {
    for (const [kase, cell] of Object.entries(summary.cells[name])) {
      if (!cell.failed) continue;
      const peer = name.split('@')[0];
      const key = `${peer}: ${cell.failed}`;
      if (!reasons.has(key)) reasons.set(key, { cases: new Set(), nodes: new Set() });
      reasons.get(key).cases.add(kase);
      if (name.includes('@')) reasons.get(key).nodes.add(name.split('@')[1]);
    }
  }
  return [...reasons].map(
    ([key, { cases: names, nodes }]) =>
      `- ${key} (${[...names].join(', ')}${nodes.size ? `; Node.js ${[...nodes].join(', ')}` : ''})`,
  );
}

/** How much faster the drop-in replacement is than its original, per Node.js version. */
function compatLines(summary) {
  return summary.nodes.flatMap((node) => {
    const [ours, theirs] = [summary.cells[`compat@${node}`], summary.cells[`ffi-napi@${node}`]];
    if (!ours || !theirs) return [];
    const gains = summary.cases
      .filter(({ name }) => ours[name]?.median && theirs[name]?.median)
      .map(({ name, title }) => ({ title, gain: theirs[name].median / ours[name].median }))
      .sort((a, b) => a.gain - b.gain);
    if (!gains.length) return [];
    const [least, most] = [gains[0], gains[gains.length - 1]];
    return [
      `- Node.js ${node}: ${times(median(gains.map((g) => g.gain)))} times in the middle, from ` +
        `${times(least.gain)} (${least.title}) to ${times(most.gain)} (${most.title})`,
    ];
  });
}

/** The goals: one line each, with what was measured. */
function verdict(summary) {
  const lines = [];
  let passed = 0;
  let all = 0;
  const line = (ok, text) => {
    all++;
    passed += ok;
    lines.push(`${ok ? 'PASS' : 'MISS'}  ${text}`);
  };
  for (const goal of goals) {
    for (const node of summary.nodes) {
      const cell = summary.cells[`${goal.column}@${node}`]?.[goal.case];
      const limit = goal.at[node];
      if (!cell || limit === undefined) continue;
      const where = `${goal.column}@${node} ${goal.case}`;
      if (cell.failed) line(false, `${where}: ${cell.failed}`);
      else if (goal.kind === 'ns')
        line(
          cell.median <= limit,
          `${where}: ${ns(cell.median)} ns (best ${ns(cell.best)}), goal ${limit} ns`,
        );
      else if (cell.ratio) {
        line(
          cell.ratio <= limit,
          `${where}: ${times(cell.ratio)} times C (best ${times(cell.bestRatio)}), goal ${limit}`,
        );
      }
    }
  }
  for (const node of summary.nodes) {
    const ours = summary.cells[`biffi@${node}`];
    if (!ours) continue;
    const rivals = summary.data.columns.filter(
      (c) => !OURS.test(c.name) && c.name !== 'c' && (c.node ?? node) === node,
    );
    if (!rivals.length) continue;
    for (const kase of summary.cases) {
      const mine = ours[kase.name];
      if (!mine) continue;
      const [first] = rivals
        .map((c) => ({ title: c.title, cell: summary.cells[c.name][kase.name] }))
        .filter(({ cell }) => cell && !cell.failed)
        .sort((a, b) => a.cell.median - b.cell.median);
      if (!first) continue;
      const where = `biffi@${node} ${kase.name}`;
      if (mine.failed) line(false, `${where}: ${mine.failed}, ${first.title} ${ns(first.cell.median)} ns`);
      else if (mine.median <= first.cell.median)
        line(true, `${where}: ${ns(mine.median)} ns, next ${first.title} ${ns(first.cell.median)} ns`);
      else {
        const by = mine.median / first.cell.median;
        const noise = by < NOISE ? ', within the noise' : '';
        line(
          false,
          `${where}: ${ns(mine.median)} ns, ${first.title} ${ns(first.cell.median)} ns is ${times(by)} times as fast${noise}`,
        );
      }
    }
  }
  return { lines, passed, all };
}

function markdown(summary) {
  const { data, nodes } = summary;
  const out = [
    '# JavaScript calls C: biffi and its peers',
    '',
    `${data.date.slice(0, 10)}; ${data.machine}; load average ${data.load[0]}. ${data.rounds} interleaved rounds in ` +
      `${data.seconds} s, a fresh process per peer and round. Every result was compared with a JavaScript reference ` +
      'before it was timed.',
    '',
    'A cell: the median over the rounds of the median time of one operation, in nanoseconds; in brackets how many ' +
      'times plain C through a volatile function pointer takes it. – the peer cannot do it, ✗ it failed (below).',
  ];
  const short = shortTable(summary);
  if (short) out.push('', '## In short', '', short);
  const versions = data.columns
    .filter((c) => c.info && !c.node)
    .map((c) => `${c.title} ${c.info[c.peer] ?? ''}${c.peer === 'deno' ? ` (V8 ${c.info.v8})` : ''}`);
  for (const node of [...nodes].reverse()) {
    const info = data.columns.find((c) => c.node === node && c.info)?.info;
    out.push(
      '',
      `## Node.js ${info?.node ?? node}${node === nodes[nodes.length - 1] && versions.length ? `; ${versions.join('; ')}` : ''}`,
      '',
    );
    out.push(timesTable(summary, node));
  }
  if (!nodes.length) out.push('', timesTable(summary, undefined));
  const start = startTable(summary);
  if (start)
    out.push(
      '',
      '## Start-up',
      '',
      'Milliseconds, fresh processes: requiring the peer, defining functions of six types, holding all of them (some are made when they are first read), calling each for the first time. What requiring left for V8 to collect is collected before the second.',
      '',
      start,
    );
  const replaced = compatLines(summary);
  if (replaced.length) {
    out.push(
      '',
      '## ffi-napi on biffi',
      '',
      'How many times as fast as the original the drop-in replacement is:',
      '',
    );
    out.push(...replaced);
  }
  out.push(
    '',
    '## Best slices',
    '',
    'The fastest 2.5 ms of all rounds: what the machine does when nobody disturbs it.',
  );
  for (const node of [...nodes].reverse()) out.push('', `Node.js ${node}`, '', bestTable(summary, node));
  const why = [
    ...data.absent.map(({ name, why: reason }) => `- ${name} is missing: ${reason}`),
    ...notes(summary),
  ];
  if (why.length) out.push('', '## Not measured', '', ...why);
  const { lines, passed, all } = verdict(summary);
  if (all) out.push('', `## Goals: ${passed} of ${all}`, '', '```', ...lines, '```');
  return out.join('\n') + '\n';
}

module.exports = { summarise, markdown, shortTable, columnsOf, ns, times, median, table };
