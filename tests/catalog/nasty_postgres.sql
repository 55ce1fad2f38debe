-- As nasty_sqlite.sql, with what only PostgreSQL has: schemas, rights, comments, domains, enums, partitions, and every type.
CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy');
CREATE DOMAIN code AS varchar(10) NOT NULL;
CREATE DOMAIN amount AS numeric(12, 0);
CREATE TABLE "用户 信息" (
    "编号" integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY, "身份证号" char(18) UNIQUE, "电话" varchar(20), parent bigint REFERENCES "用户 信息",
    "Where" text, token text
);
COMMENT ON TABLE "用户 信息" IS '用户登记表：本局登记的 "用户" 全量';
COMMENT ON COLUMN "用户 信息"."Where" IS 'Where the user lives now';
COMMENT ON COLUMN "用户 信息"."电话" IS '联系电话（含区号）';
INSERT INTO "用户 信息" ("身份证号", "电话", parent, "Where") VALUES
    ('11010119900307803X', '13800138000', NULL, 'a'), ('110101199003077328', '13900139000', 1, 'b'), ('110101199003079550', '13700137000', 2, 'c');

CREATE TABLE every_type (
    id uuid PRIMARY KEY, s2 smallint, i4 integer, i8 bigint, f4 real, f8 double precision, n numeric, n2 numeric(10, 2), n0 numeric(10, 0), am amount,
    b boolean, d date, ts timestamp, tz timestamptz, tm time, ttz timetz, iv interval, t text, vc varchar(9), ch char(5), nm name, co code, m mood,
    j json, jb jsonb, by bytea, ia integer[], ta text[], mo money, x xml, ip inet, ci cidr, ma macaddr, bi bit(3), pt point, r int4range, v tsvector,
    g integer GENERATED ALWAYS AS (i4 * 2) STORED
);
CREATE INDEX ON every_type (i8);
CREATE INDEX ON every_type (tm);
CREATE INDEX ON every_type (m);
CREATE INDEX ON every_type (ts);
CREATE INDEX ON every_type (n2);
CREATE INDEX ON every_type (t) WHERE b;
CREATE INDEX ON every_type (lower(vc));
CREATE INDEX ON every_type (ch);
INSERT INTO every_type VALUES (
    '11111111-1111-4111-8111-111111111111', 1, 2, 9223372036854775807, 1.5, 2.5, 1.23456789012345678901, 12.30, 7, 8,
    true, '2020-01-01', '2020-01-01 10:00', '2020-01-01 10:00+08', '10:00', '10:00+08', '1 day', 't', 'v', 'c', 'n', 'co', 'ok',
    '{}', '{}', '\x00', '{1}', '{a}', '1.00', '<a/>', '10.0.0.1', '10.0.0.0/8', '08:00:2b:01:02:03', B'101', '(1,2)', '[1,2)', 'a'
);

CREATE SCHEMA "other schema";
CREATE TABLE "other schema".every_type (id integer PRIMARY KEY, ref uuid REFERENCES public.every_type);
INSERT INTO "other schema".every_type VALUES (1, '11111111-1111-4111-8111-111111111111');
CREATE TABLE included (id bigint NOT NULL, note text);
CREATE UNIQUE INDEX ON included (id) INCLUDE (note);
INSERT INTO included VALUES (1, 'a'), (2, 'b');
CREATE TABLE parted (id integer, on_day date, PRIMARY KEY (id, on_day)) PARTITION BY RANGE (on_day);
CREATE TABLE parted_2020 PARTITION OF parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE MATERIALIZED VIEW days AS SELECT g AS day_no, 'd' || g AS label FROM generate_series(1, 9) g;
CREATE FUNCTION guarded() RETURNS integer LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION guarded() FROM public;
CREATE VIEW without_right AS SELECT guarded() AS id;
CREATE TABLE hidden (id integer PRIMARY KEY);
CREATE TABLE half_hidden (id integer PRIMARY KEY, shown text, closed text);
INSERT INTO half_hidden VALUES (1, 'a', 'b');
CREATE SCHEMA closed;
CREATE TABLE closed.t (id integer PRIMARY KEY);

GRANT USAGE ON SCHEMA "other schema" TO nasty_reader;
GRANT SELECT ON ALL TABLES IN SCHEMA public, "other schema" TO nasty_reader;
REVOKE ALL ON hidden, half_hidden FROM nasty_reader;
GRANT SELECT (id, shown) ON half_hidden TO nasty_reader;
