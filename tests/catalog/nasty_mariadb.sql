-- As nasty_sqlite.sql, with what only MariaDB has: unsigned numbers, sets, zero dates, comments in the table's definition.
CREATE TABLE `用户 信息` (
    `编号` INT UNSIGNED AUTO_INCREMENT PRIMARY KEY COMMENT '编号', `身份证号` CHAR(18) UNIQUE, `手机` VARCHAR(20) COMMENT '手机号码（本人）',
    parent INT UNSIGNED, `where` VARCHAR(20), password VARCHAR(20), FOREIGN KEY (parent) REFERENCES `用户 信息` (`编号`)
) COMMENT '用户登记表' CHARACTER SET utf8mb4;
INSERT INTO `用户 信息` (`身份证号`, `手机`, parent) VALUES
    ('11010119900307803X', '13800138000', NULL), ('110101199003077328', '13900139000', 1), ('110101199003079550', '13700137000', 1);
CREATE TABLE every_type (
    id BIGINT UNSIGNED PRIMARY KEY, code VARCHAR(20) NOT NULL UNIQUE, t1 TINYINT, yes TINYINT(1), s SMALLINT UNSIGNED, m MEDIUMINT, i INT, b BIGINT,
    n DECIMAL(10, 2), n0 DECIMAL(10, 0), f FLOAT, d DOUBLE, y YEAR, da DATE, dt DATETIME, ts TIMESTAMP NULL, tm TIME, c CHAR(5), v VARCHAR(9), tx TEXT,
    e ENUM('a', 'b'), st SET('x', 'y'), bi BIT(4), bn BINARY(3), bl BLOB, g GEOMETRY, calc INT AS (i * 2) STORED, KEY (tm), KEY (b), KEY (v), KEY (tx(5))
) CHARACTER SET utf8mb4;
INSERT INTO every_type VALUES (
    18446744073709551615, 'k', 1, 1, 65535, 1, 2, 9223372036854775807, 1.50, 7, 1.5, 2.5, 2020, '2020-01-01', '2020-01-01 10:00:00', NULL, '10:00:00',
    'c', 'v', 'tx', 'a', 'x,y', b'1010', 'abc', 'x', ST_GeomFromText('POINT(1 1)'), DEFAULT
);
CREATE TABLE composite (a INT, b INT, PRIMARY KEY (a, b));
CREATE TABLE `a.b``"c` (id INT PRIMARY KEY, `sel"ect` TEXT);
INSERT INTO `a.b``"c` VALUES (1, 'x');
CREATE TABLE gone (id INT PRIMARY KEY);
CREATE VIEW broken AS SELECT * FROM gone;
DROP TABLE gone;
CREATE VIEW people AS SELECT `编号` AS id, parent FROM `用户 信息`;
