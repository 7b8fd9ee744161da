/**
 * Order lines as a wholesaler's database has them, about 215 bytes each: keys, skewed customers (3 % unknown), a million
 * products, amounts, an unbounded decimal (70 % null), moments, a state, and JSON (25 % null). The same lines in every
 * database, and in every run: all is computed from the line's number.
 */

/** Numbers between 0 and 1 that look unrelated, from `n`; `mod` is the database's remainder of two whole numbers. */
function spread(n: string, factor: number): string {
  return `((${n} * ${factor} % 65537) / 65537.0)`;
}

/** The statements that make `order_lines` of `rows` lines in PostgreSQL. */
export function postgresLines(rows: number): string {
  const u = (factor: number): string => spread('n', factor);
  const pick = (list: readonly string[], factor: number): string =>
    `(ARRAY[${list.map((one) => `'${one}'`).join(',')}])[1 + (${u(factor)} * ${list.length - 0.01})::int % ${list.length}]`;
  return `
  CREATE TYPE order_status AS ENUM ('pending','paid','shipped','delivered','cancelled','refunded');
  CREATE TABLE order_lines (id bigint NOT NULL, order_id bigint NOT NULL, customer_id int, product_id text NOT NULL,
    qty int NOT NULL, unit_price numeric(12,2) NOT NULL, discount numeric, currency char(3) NOT NULL,
    created_at timestamptz NOT NULL, updated_at timestamptz, status order_status NOT NULL, attrs jsonb);
  INSERT INTO order_lines SELECT n, n / 3 + 1000000,
    CASE WHEN ${u(48271)} >= 0.03 THEN (${u(16807)} ^ 2 * 400000)::int END,
    'SKU-' || upper(lpad(to_hex(n * 7919 % 60000 * 69621), 8, '0')) || '-' || n % 17,
    1 + (${u(39373)} ^ 4 * 12)::int, round(5 + ${u(30011)} ^ 3 * 2000, 2),
    CASE WHEN ${u(20077)} >= 0.7 THEN round((n * 9301 % 233280) / 466560.0, 15) END,
    ${pick(['EUR', 'EUR', 'EUR', 'USD', 'GBP', 'CHF'], 69)},
    timestamptz '2023-01-01' + n * interval '18.000123 seconds',
    CASE WHEN ${u(33301)} >= 0.05 THEN timestamptz '2023-01-02' + n * interval '18.000457 seconds' END,
    ${pick(['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded'], 51)}::order_status,
    CASE WHEN ${u(11003)} >= 0.25 THEN jsonb_build_object('channel', ${pick(['web', 'app', 'store', 'marketplace'], 77)},
      'utm', jsonb_build_object('src', ${pick(['google', 'meta', 'email', 'direct'], 91)}, 'cmp', 'c' || n * 7 % 500),
      'gift', n % 10 = 0, 'w', n * 31 % 20000 / 1000.0, 'tags', jsonb_build_array('t' || n % 50, 't' || n * 3 % 50)) END
    FROM generate_series(1::bigint, ${rows}) n;
  ALTER TABLE order_lines ADD PRIMARY KEY (id);
  CREATE VIEW order_lines_fourfold AS SELECT l.* FROM generate_series(1, 4) CROSS JOIN order_lines l`;
}

/** The statements that make `order_lines` of `rows` lines in MariaDB, in the types that it has for them. */
export function mariadbLines(rows: number): string {
  const u = (factor: number): string => spread('seq', factor);
  const pick = (list: readonly string[], factor: number): string =>
    `ELT(1 + FLOOR(${u(factor)} * ${list.length}), ${list.map((one) => `'${one}'`).join(',')})`;
  return `SET time_zone = '+00:00';
  CREATE TABLE order_lines (id bigint PRIMARY KEY, order_id bigint NOT NULL, customer_id int,
    product_id varchar(40) NOT NULL, qty int NOT NULL, unit_price decimal(12,2) NOT NULL, discount decimal(38,18),
    currency char(3) NOT NULL, created_at timestamp(6) NOT NULL DEFAULT now(6), updated_at timestamp(6) NULL,
    status enum('pending','paid','shipped','delivered','cancelled','refunded') NOT NULL, attrs json);
  INSERT INTO order_lines SELECT seq, seq DIV 3 + 1000000,
    IF(${u(48271)} >= 0.03, ROUND(POW(${u(16807)}, 2) * 400000), NULL),
    CONCAT('SKU-', LPAD(HEX(seq * 7919 % 60000 * 69621), 8, '0'), '-', seq % 17),
    1 + ROUND(POW(${u(39373)}, 4) * 12), 5 + POW(${u(30011)}, 3) * 2000,
    IF(${u(20077)} >= 0.7, CAST((seq * 9301 % 233280) AS decimal(38,18)) / 466560, NULL),
    ${pick(['EUR', 'EUR', 'EUR', 'USD', 'GBP', 'CHF'], 69)},
    TIMESTAMP'2023-01-01 00:00:00' + INTERVAL seq * 18000123 MICROSECOND,
    IF(${u(33301)} >= 0.05, TIMESTAMP'2023-01-02 00:00:00' + INTERVAL seq * 18000457 MICROSECOND, NULL),
    ${pick(['pending', 'paid', 'shipped', 'delivered', 'cancelled', 'refunded'], 51)},
    IF(${u(11003)} >= 0.25, CONCAT('{"w": ', seq * 31 % 20000 / 1000, ', "utm": {"cmp": "c', seq * 7 % 500, '", "src": "',
      ${pick(['google', 'meta', 'email', 'direct'], 91)}, '"}, "gift": ', IF(seq % 10 = 0, 'true', 'false'), ', "tags": ["t',
      seq % 50, '", "t', seq * 3 % 50, '"], "channel": "', ${pick(['web', 'app', 'store', 'marketplace'], 77)}, '"}'), NULL)
  FROM seq_1_to_${rows};
  ANALYZE TABLE order_lines;
  CREATE VIEW order_lines_fourfold AS SELECT l.* FROM seq_1_to_4 STRAIGHT_JOIN order_lines l`;
}

/** 24 texts of 8 MB, which shrink to half, among 4,000 of 20 KB. */
export const POSTGRES_DOCUMENTS = `
  CREATE TABLE documents AS SELECT n AS id, 'document ' || n AS name,
    (SELECT string_agg(md5(n || '-' || k), '') FROM generate_series(1, CASE WHEN n % 168 = 0 THEN 250000 ELSE 625 END) k) AS body
  FROM generate_series(1, 4032) n`;

export const MARIADB_DOCUMENTS = `
  SET SESSION group_concat_max_len = 16000000;
  CREATE TABLE documents (id int PRIMARY KEY, name varchar(40) NOT NULL, body longtext);
  INSERT INTO documents SELECT n.seq, CONCAT('document ', n.seq),
    (SELECT GROUP_CONCAT(MD5(CONCAT(n.seq, '-', k.seq)) SEPARATOR '') FROM seq_1_to_625 k) FROM seq_1_to_4032 n WHERE n.seq % 168 <> 0;
  INSERT INTO documents SELECT n.seq, CONCAT('document ', n.seq),
    (SELECT GROUP_CONCAT(MD5(CONCAT(n.seq, '-', k.seq)) SEPARATOR '') FROM seq_1_to_250000 k) FROM seq_1_to_4032 n WHERE n.seq % 168 = 0`;
