'use strict';
// SQLite from its own header: prepared statements, bound values, columns by their type.

const { load, out, handle, pointerAt } = require('biffi');

// Everything that sqlite3.h declares, read by the C preprocessor.
const sqlite = load('libsqlite3.so.0', { header: 'sqlite3.h', prefix: 'sqlite3_' });

// Pointers that close themselves: with close(), at the end of a `using` block, or when they are collected.
const Database = handle(sqlite.sqlite3, sqlite.close_v2);
const Statement = handle(sqlite.stmt, sqlite.finalize);

function check(db, code) {
  if (code !== sqlite.SQLITE_OK) throw new Error(`SQLite: ${sqlite.errmsg(db)}`);
}

function open(file) {
  const db = out();
  check(null, sqlite.open(file, db));
  return new Database(db);
}

function prepare(db, sql) {
  const statement = out();
  check(db, sqlite.prepare_v2(db, sql, -1, statement, null));
  return new Statement(statement);
}

const db = open(':memory:');
check(
  db,
  sqlite.exec(db, 'CREATE TABLE moon (name TEXT, planet TEXT, km REAL, found INTEGER)', null, null, null),
);

const insert = prepare(db, 'INSERT INTO moon VALUES (?, ?, ?, ?)');
const TRANSIENT = pointerAt(-1); // the macro SQLITE_TRANSIENT: SQLite copies the text
for (const [name, planet, km, found] of [
  ['Io', 'Jupiter', 3643.2, 1610],
  ['Titan', 'Saturn', 5149.46, 1655],
  ['Miranda', 'Uranus', 471.6, 1948],
]) {
  check(db, sqlite.bind_text(insert, 1, name, -1, TRANSIENT));
  check(db, sqlite.bind_text(insert, 2, planet, -1, TRANSIENT));
  check(db, sqlite.bind_double(insert, 3, km));
  check(db, sqlite.bind_int(insert, 4, found));
  if (sqlite.step(insert) !== sqlite.SQLITE_DONE) check(db, sqlite.errcode(db));
  check(db, sqlite.reset(insert));
}
insert.close();

const select = prepare(db, 'SELECT name, planet, km FROM moon WHERE found < ? ORDER BY km DESC');
check(db, sqlite.bind_int(select, 1, 1900));
while (sqlite.step(select) === sqlite.SQLITE_ROW) {
  const [name, planet] = [0, 1].map((i) => sqlite.column_text(select, i).toText()); // an unsigned char *
  console.log(`${name} of ${planet}: ${sqlite.column_double(select, 2)} km`);
}
select.close();
db.close();
