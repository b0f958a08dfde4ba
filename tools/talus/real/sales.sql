-- The work of the workload real-sqlite: two tables in memory, indexes, joins, text, JSON. :n is the number of sales.
CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT, kind INTEGER, price REAL, note TEXT);
CREATE TABLE sale (id INTEGER PRIMARY KEY, item INTEGER, day INTEGER, amount INTEGER);
BEGIN;
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :n / 2)
INSERT INTO item SELECT i, printf('item-%08x', (i * 2654435761 + :seed) & 0xffffffff), i * 7919 % 97, i * 31 % 1000 / 10.0,
    substr('abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz', 1 + i * 13 % 26, i * 17 % 27) FROM number;
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < :n)
INSERT INTO sale SELECT i, 1 + i * 48271 % (:n / 2), i * 16807 % 365, 1 + i % 9 FROM number;
COMMIT;
CREATE INDEX item_name ON item (name);
CREATE INDEX sale_item ON sale (item, day);
SELECT kind, count(*), round(sum(price * amount)) FROM item JOIN sale ON sale.item = item.id GROUP BY kind ORDER BY 3 DESC;
SELECT day, length(group_concat(name)) FROM (SELECT day, name FROM sale JOIN item ON item.id = sale.item WHERE kind < 30
    ORDER BY name) GROUP BY day;
SELECT count(DISTINCT name || note) FROM item;
UPDATE item SET note = note || name WHERE kind % 3 = 0;
DELETE FROM sale WHERE day % 5 = 0;
SELECT length(json_group_array(json_object('id', id, 'name', name, 'note', note))) FROM item;
SELECT count(*) FROM sale, json_each('[1,2,3]') WHERE amount = json_each.value;
