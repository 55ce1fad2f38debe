CREATE TABLE person (
    id bigint NOT NULL, id_number text NOT NULL, name text NOT NULL, gender text NOT NULL, birth_date date NOT NULL, phone text,
    address text NOT NULL, email text NOT NULL, household_no text NOT NULL);

INSERT INTO person
SELECT n,
    stem || substr('10X98765432', 1 + ($resident_sum) % 11, 1),
    substr('$surnames', 1 + (drawn % 20)::int, 1) || substr('$given', 1 + (drawn / 20 % 30)::int, 1) || substr('$given', 1 + (drawn / 600 % 31)::int, 1),
    CASE place / $days % 2 WHEN 1 THEN '男' ELSE '女' END,
    born,
    CASE WHEN n % 17 > 0 THEN '138' || lpad((drawn % 100000000)::text, 8, '0') END,
    '贵州省贵阳市' || $districts[region] || $streets[1 + drawn % 11] || (1 + n % 900) || '号' || (1 + n % 31) || '栋' || (1 + n % 4) || '单元'
        || (101 + n % 29 * 100) || '室',
    'resident' || n || '@example.com',
    'H' || lpad(((n + 2) / 3)::text, 8, '0')
FROM (
    SELECT *, $regions[region] || to_char(born, 'YYYYMMDD') || lpad((place / $days)::text, 3, '0') AS stem FROM (
        SELECT n, drawn, 1 + (x % 8)::int AS region, x / 8 AS place, date '1950-01-01' + (x / 8 % $days)::int AS born FROM (
            SELECT n, (n * $step + $seed) % $residents AS x, (n * $mix + $seed) % $word AS drawn
            FROM generate_series(1::bigint, $persons) AS n OFFSET 0
        ) AS numbered
    ) AS placed OFFSET 0
) AS stemmed;

ALTER TABLE person ADD PRIMARY KEY (id);

ALTER TABLE person ADD UNIQUE (id_number);

CREATE INDEX person_of_gender ON person (gender, id);

CREATE TABLE company (
    id bigint NOT NULL, uscc text NOT NULL, name text NOT NULL, status text NOT NULL, legal_rep_id_number text NOT NULL, capital numeric(16, 2) NOT NULL,
    founded date NOT NULL, district text NOT NULL, scope text NOT NULL);

INSERT INTO company
SELECT n,
    stem || substr('$letters', 1 + (31 - ($credit_sum) % 31) % 31, 1),
    '贵阳' || substr('$given', 1 + (drawn % 30)::int, 1) || substr('$given', 1 + (drawn / 30 % 30)::int, 1) || $scopes[1 + drawn % 9] || '有限公司',
    CASE WHEN drawn / 7 % 4 = 0 THEN 'REVOKED' ELSE 'ACTIVE' END,
    person.id_number,
    (1 + drawn % 5000) * 10000,
    date '1990-01-01' + (drawn % 12000)::int,
    $districts[region],
    $scopes[1 + drawn % 9] || '；' || $scopes[1 + drawn / 9 % 9] || '；' || $scopes[1 + drawn / 81 % 9]
FROM (
    SELECT *, '91' || $regions[region] || organisation || CASE $organisation_check WHEN 10 THEN 'X' WHEN 11 THEN '0' ELSE $organisation_check::text END AS stem
    FROM (
        SELECT n, (n * $mix + $seed) % $word AS drawn, 1 + (x % 8)::int AS region, 'MA' || $drawn_letters AS organisation FROM (
            SELECT n, (n * $step + $seed) % $codes AS x FROM generate_series(1::bigint, $companies) AS n OFFSET 0
        ) AS numbered OFFSET 0
    ) AS placed OFFSET 0
) AS stemmed
JOIN person ON person.id = 1 + (n * 48271 + $seed) % $persons
ORDER BY n;

ALTER TABLE company ADD PRIMARY KEY (id);

ALTER TABLE company ADD UNIQUE (uscc);

CREATE INDEX company_of_status ON company (status, id);

CREATE INDEX company_of_legal_rep ON company (legal_rep_id_number);

-- PostGraphile finds links by foreign keys.
ALTER TABLE company ADD FOREIGN KEY (legal_rep_id_number) REFERENCES person (id_number);

VACUUM ANALYZE person, company
