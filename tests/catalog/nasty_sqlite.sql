-- A database that nobody designed for sharing: words of SQL and of GraphQL as names, Chinese names, blanks, names alike, keys of every sort and of none.
CREATE TABLE "用户 信息" (
    "编号" INTEGER PRIMARY KEY, "身份证号" CHAR(18) UNIQUE, "姓名" TEXT NOT NULL, "出生日期" DATE, "上级" INTEGER REFERENCES "用户 信息",
    "备案☆" TEXT, "Order" TEXT, "order by" TEXT, password TEXT, "100%" REAL, "a:b" TEXT
);
INSERT INTO "用户 信息" VALUES
    (1, '11010119900307803X', '王小明', '1990-03-07', NULL, '甲', 'a', 'b', 'geheim', 0.5, 'x'),
    (2, '110101199003077328', '欧阳修', '1990-03-07', 1, '乙', 'a', 'b', 'geheim', 1.5, 'y"''\'),
    (3, '110101199003079550', '古丽·阿依', '1990-03-07', 1, '丙', 'c', 'b', 'geheim', 2.5, '𠮷');

CREATE TABLE "select" ("and" INTEGER PRIMARY KEY, "or" TEXT, "not" TEXT, "first" TEXT UNIQUE, "where" TEXT, "__typename" TEXT, "nodes" TEXT);
INSERT INTO "select" VALUES (1, 'a', 'b', 'c', 'd', 'e', 'f'), (2, 'a', 'b', 'g', 'd', 'e', 'f');

CREATE TABLE "Order" (orderID INTEGER PRIMARY KEY, customer TEXT REFERENCES customers (code), a_b TEXT, aB TEXT, "A B" TEXT);
CREATE TABLE orders (id INTEGER PRIMARY KEY, customer_code TEXT REFERENCES CUSTOMERS, "Order" INTEGER REFERENCES "order");
CREATE TABLE order_where (id INTEGER PRIMARY KEY);
CREATE TABLE verify_order (id INTEGER PRIMARY KEY);
CREATE TABLE customers (code TEXT NOT NULL PRIMARY KEY, name TEXT, phone TEXT, status TEXT, big BIGINT);
INSERT INTO customers VALUES ('C1', 'Ann', '13800138000', 'new', 9223372036854775807), ('C2', 'Bob', '13900139000', 'old', -9223372036854775808);
INSERT INTO "Order" VALUES (10, 'C1', '1', '2', '3'), (11, 'C2', '1', '2', '3'), (12, 'C9', NULL, NULL, NULL);
INSERT INTO orders VALUES (1, 'C1', 10), (2, NULL, 99);
INSERT INTO order_where VALUES (1);
INSERT INTO verify_order VALUES (1);

CREATE TABLE unique_only (serial TEXT NOT NULL, note TEXT, CONSTRAINT one UNIQUE (serial));
INSERT INTO unique_only VALUES ('s-1', 'n'), ('s-2', NULL);
CREATE TABLE partly_unique (a TEXT NOT NULL, b TEXT NOT NULL);
CREATE UNIQUE INDEX partly ON partly_unique (a) WHERE b = 'x';
CREATE UNIQUE INDEX lowered ON partly_unique (lower(b));
CREATE TABLE composite (a INTEGER, b INTEGER, c TEXT, PRIMARY KEY (a, b));
CREATE TABLE composite_with_unique (a INTEGER, b INTEGER, serial INTEGER NOT NULL UNIQUE, PRIMARY KEY (a, b), FOREIGN KEY (a, b) REFERENCES composite);
INSERT INTO composite_with_unique VALUES (1, 1, 7), (1, 2, 8);
CREATE TABLE keyless (a, b);
CREATE TABLE "all.types""x" (
    id INTEGER PRIMARY KEY, i INT, t VARCHAR(9), r DOUBLE, n NUMERIC(9, 2), b BOOLEAN, d DATE, ts DATETIME, tm TIME, bl BLOB, j JSON, untyped,
    wrong_int INTEGER, wrong_date DATE, flag BOOLEAN, g INT GENERATED ALWAYS AS (i * 2) STORED, v TEXT AS (t || '!')
);
INSERT INTO "all.types""x" (id, i, t, r, n, b, d, ts, tm, bl, j, untyped, wrong_int, wrong_date, flag) VALUES
    (1, 1, 'a', 1.5, 12.34, 1, '2020-01-01', '2020-01-01 10:00:00', '10:00', x'00', '{}', 5, 'abc', '01/02/2020', 7),
    (2, 2, 'b', 2, 3, 0, '2020-12-31', '2020-01-02T10:00:00+08:00', '11:00', NULL, '[]', 6, 3, NULL, 1);

CREATE VIEW order_names AS SELECT o.orderID AS id, c.name FROM "Order" o JOIN customers c ON c.code = o.customer;
CREATE VIEW no_key AS SELECT status, count(*) AS n FROM customers GROUP BY status;
CREATE VIEW broken AS SELECT * FROM nowhere;
