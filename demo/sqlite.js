'use strict';
// SQLite through its own shared library; each row of the select comes to a JavaScript function.

const { load, out } = require('biffi');

const { sqlite3_libversion, sqlite3_open, sqlite3_exec, sqlite3_errmsg, sqlite3_close } = load(
  'libsqlite3.so.0',
  `typedef struct sqlite3 sqlite3;
   const char *sqlite3_libversion(void);
   int sqlite3_open(const char *file, sqlite3 **db);
   int sqlite3_exec(sqlite3 *db, const char *sql,
                    int (*row)(void *data, int columns, const char **values, const char **names),
                    void *data, char **message);
   const char *sqlite3_errmsg(sqlite3 *db);
   int sqlite3_close(sqlite3 *db);`,
);

const opened = out();
sqlite3_open(':memory:', opened);
const db = opened.value; // C wrote a sqlite3 * there
console.log(`SQLite ${sqlite3_libversion()}:`, db);

function run(sql, row = null) {
  if (sqlite3_exec(db, sql, row, null, null) !== 0) throw new Error(sqlite3_errmsg(db));
}

run('CREATE TABLE moon (name TEXT, planet TEXT, km INTEGER)');
run(
  `INSERT INTO moon VALUES ('Europa', 'Jupiter', 3122), ('Titan', 'Saturn', 5150), ('Luna', 'Earth', 3475)`,
);
run('SELECT name, planet, km FROM moon ORDER BY km DESC', (data, columns, values, names) => {
  const row = Array.from({ length: columns }, (_, i) => `${names[i]}: ${values[i]}`);
  console.log(' ', row.join(', '));
  return 0; // go on
});

try {
  run('SELECT diameter FROM moon');
} catch (error) {
  console.log('SQLite says:', error.message);
}
sqlite3_close(db);
