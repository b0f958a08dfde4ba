#!/bin/bash
# sqlite3 on talus: some hundred thousand rows, indexes, joins, deletes, a dump; the database files are compared too.
. "$(dirname "$0")/lib.sh"
need sqlite3 sqlite3

sqlite_job() {
    sqlite3 rows.db <<'EOF'
PRAGMA journal_mode = WAL;
PRAGMA cache_size = -64000;
CREATE TABLE item(id INTEGER PRIMARY KEY, kind INTEGER, name TEXT, data BLOB);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 150000)
INSERT INTO item SELECT i, (i * 7919) % 977, printf('name-%x-%d', i * 2654435761 % 4294967296, i),
                        zeroblob(i % 300) FROM n;
CREATE INDEX item_kind ON item(kind, name);
CREATE INDEX item_name ON item(name);
SELECT count(*), sum(length(name)), sum(length(data)) FROM item;
SELECT kind, count(*), min(name), max(name) FROM item GROUP BY kind ORDER BY kind LIMIT 50;
CREATE TABLE pair AS SELECT a.id AS a, b.id AS b FROM item a JOIN item b
    ON a.kind = b.kind AND b.id > a.id AND b.id < a.id + 3000 AND a.kind < 100;
SELECT count(*), sum(a), sum(b) FROM pair;
SELECT group_concat(name) FROM (SELECT name FROM item ORDER BY name DESC LIMIT 200);
UPDATE item SET name = upper(name) || '-changed' WHERE kind % 5 = 0;
DELETE FROM item WHERE kind % 3 = 0;
SELECT count(*), sum(length(name)) FROM item;
VACUUM;
PRAGMA integrity_check;
EOF
    sqlite3 rows.db .dump | cksum
}

in_force sqlite3 :memory: 'SELECT 1'
compare sqlite_job
