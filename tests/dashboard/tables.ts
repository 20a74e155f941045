import { type Bench, WAIT_MS } from "./bench.ts";

/** Tables as people have them, and some as they do not. */
export async function shopOf(bench: Bench): Promise<void> {
  for (const sql of SHOP) await bench.cluster.write(1, sql);
}

/** The rows of a query on the first member, after all that was written. */
export async function rowsOf(
  bench: Bench,
  sql: string,
): Promise<readonly (readonly unknown[])[]> {
  const answer = await bench.cluster.api(1).query({ sql }, {
    consistency: "linearizable",
    timeoutMs: WAIT_MS,
  });
  if (answer.type === "ok") return answer.value.rows;
  throw new Error(`${sql}: ${JSON.stringify(answer)}`);
}

const NUMBERS = (count: number): string =>
  `WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < ${count})`;

const SHOP = [
  "CREATE TABLE customer (id INTEGER PRIMARY KEY, name TEXT NOT NULL, email TEXT UNIQUE, balance REAL, notes TEXT, joined_at TEXT DEFAULT '2026-01-01')",
  "CREATE TABLE purchase (id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customer ON DELETE CASCADE, status TEXT NOT NULL DEFAULT 'open', total NUMERIC(10, 2), CHECK (status IN ('open', 'paid', 'sent')))",
  "CREATE INDEX purchase_customer ON purchase (customer_id)",
  "CREATE VIEW open_purchase AS SELECT p.id, c.name, p.total FROM purchase p JOIN customer c ON c.id = p.customer_id WHERE status = 'open'",
  `INSERT INTO customer (id, name, email, balance, notes) ${
    NUMBERS(300)
  } SELECT i, 'Customer ' || i, 'c' || i || '@example.org', i * 1.25, CASE i % 4 WHEN 0 THEN NULL WHEN 1 THEN '' WHEN 2 THEN 'Wants it' || char(10) || 'soon' ELSE '{"vip":true,"tags":["a","b"]}' END FROM n`,
  `INSERT INTO purchase (customer_id, total) ${
    NUMBERS(900)
  } SELECT i % 300 + 1, i * 0.5 FROM n`,
  "CREATE TABLE odd (id INTEGER PRIMARY KEY, v)",
  "INSERT INTO odd (v) VALUES (9223372036854775807), (-9007199254740991), (2.0), (2), (1e308), (''), (NULL), ('NULL'), (x''), (zeroblob(5000000)), ('a' || char(10) || 'b')",
  "CREATE TABLE vacant (id INTEGER PRIMARY KEY, name TEXT)",
  "CREATE TABLE counter (id INTEGER PRIMARY KEY, n INTEGER, changes INTEGER NOT NULL DEFAULT 0)",
  "CREATE TRIGGER counter_counts AFTER UPDATE OF n ON counter BEGIN UPDATE counter SET changes = changes + 1 WHERE id = new.id; END",
  "INSERT INTO counter (n) VALUES (0)",
  "CREATE TABLE a_name_that_is_much_longer_than_any_list_beside_the_rows_would_ever_be (x)",
];
