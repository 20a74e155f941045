/** How a request of an abuser is made. */
export interface Sent {
  readonly route: "execute" | "query" | "batch" | "txn";
  readonly body: unknown;
}

/** Something that ended clusters, or made members differ. */
export interface Input {
  readonly title: string;
  /** Sent one after another; all but the last prepare. */
  readonly sent: readonly Sent[];
  /** The last one is also sent so many times at once. @default {1} */
  readonly times?: number;
  /** Sent afterwards: what else could not be read. */
  readonly removes?: Sent;
  /** What the last one answers: the code of an error, or `ok`. */
  readonly answers: RegExp;
}

const write = (sql: string): Sent => ({ route: "execute", body: { sql } });
/** With a limit of its own that is shorter than the cluster's: what never ends need not take long. */
const shortWrite = (sql: string): Sent => ({
  route: "execute",
  body: { sql, max_run_ms: 1000 },
});
const read = (sql: string): Sent => ({ route: "query", body: { sql } });
const LARGEST = "9223372036854775807";
const many = (count: number, value: string): string =>
  Array(count).fill(value).join(", ");

const FULL: readonly Input[] = [
  {
    title: "C1 an UPSERT moves a row under the largest rowid",
    sent: [
      write("CREATE TABLE c1 (id INTEGER PRIMARY KEY AUTOINCREMENT, x)"),
      write("INSERT INTO c1 VALUES (1, 0)"),
      write(
        `INSERT INTO c1 (id, x) VALUES (1, 0), (NULL, 1) ON CONFLICT (id) DO UPDATE SET id = ${LARGEST}`,
      ),
    ],
    answers: /^constraint$/,
  },
  {
    title: "C1 a trigger does",
    sent: [
      write("CREATE TABLE c1b (id INTEGER PRIMARY KEY, x)"),
      write("INSERT INTO c1b VALUES (1, 0)"),
      write(
        `CREATE TRIGGER c1t AFTER INSERT ON honest WHEN NEW.n < 0 BEGIN UPDATE c1b SET id = ${LARGEST} WHERE id = 1; END`,
      ),
      write("INSERT INTO honest VALUES (-1)"),
    ],
    answers: /^constraint$/,
  },
  {
    title: "C1 a full-text table does",
    sent: [
      write("CREATE VIRTUAL TABLE c1f USING fts5(x)"),
      write(`INSERT INTO c1f (rowid, x) VALUES (${LARGEST}, 'a')`),
    ],
    answers: /^constraint$/,
  },
  {
    title: "C1 full-text search uses up its segments",
    sent: [
      write("CREATE VIRTUAL TABLE c1g USING fts5(x)"),
      write("INSERT INTO c1g (c1g, rank) VALUES ('crisismerge', 1000000)"),
    ],
    answers: /^(forbidden|sql|constraint)$/,
  },
];

const PANIC: readonly Input[] = [
  {
    title: "C2 a format of 33 million directives",
    sent: [
      write(
        "SELECT strftime(replace(hex(zeroblob(33000000)), '00', '%J'), 'now')",
      ),
    ],
    answers: /^(sql|too_large|timeout)$/,
  },
  {
    title: "C2 one of 10 million",
    sent: [
      write(
        "SELECT strftime(replace(hex(zeroblob(10000000)), '00', '%J'), 'now')",
      ),
    ],
    answers: /^(sql|too_large|timeout)$/,
  },
];

const MEMORY: readonly Input[] = [
  {
    title: "C3 twelve values of 64 MiB",
    sent: [write(`SELECT ${many(12, "zeroblob(67108864)")}`)],
    answers: /^(sql|too_large|timeout)$/,
  },
  {
    title: "C3 two thousand values of 16 MB",
    sent: [write(`SELECT ${many(2000, "zeroblob(16000000)")}`)],
    answers: /^(sql|too_large|timeout)$/,
  },
  {
    title: "C3 twenty texts of 66 MB",
    sent: [write(`SELECT ${many(20, "hex(zeroblob(33000000))")}`)],
    answers: /^(sql|too_large|timeout)$/,
  },
  {
    title: "C3 a sort that does not fit into memory",
    sent: [
      write(
        "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 500) SELECT max(y) FROM (SELECT DISTINCT hex(zeroblob(500000)) || x AS y FROM c ORDER BY y)",
      ),
    ],
    answers: /^(ok|sql|too_large|timeout)$/,
  },
  {
    title: "H7 a query for twenty values of 600 MB",
    sent: [read(`SELECT ${many(20, "zeroblob(600000000)")}`)],
    answers: /^(sql|too_large|timeout)$/,
  },
];

const text = (length: string): string => `printf('%.*c', ${length}, 'a')`;
const ENDLESS = "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c)";

const TIME: readonly Input[] = [
  {
    title: "C4 an endless write",
    sent: [write(`${ENDLESS} INSERT INTO honest SELECT 1 FROM c WHERE x = 2`)],
    answers: /^timeout$/,
  },
  {
    title: "C4 one call of a function that takes hours",
    sent: [
      shortWrite(
        `INSERT INTO honest SELECT instr(${text("60000000")}, ${
          text("30000000")
        } || 'b')`,
      ),
    ],
    answers: /^timeout$/,
  },
  {
    title: "C4 a pattern that takes minutes",
    sent: [
      shortWrite(
        `INSERT INTO honest SELECT ${text("60000000")} LIKE '%' || ${
          text("20000")
        } || 'b'`,
      ),
    ],
    answers: /^timeout$/,
  },
  {
    title: "C4 three of them at once",
    sent: [
      shortWrite(
        `${ENDLESS} DELETE FROM honest WHERE n = (SELECT x FROM c WHERE x = 2)`,
      ),
    ],
    times: 3,
    answers: /^timeout$/,
  },
  {
    title: "C4 an endless SELECT as a write",
    sent: [shortWrite(`${ENDLESS} SELECT count(*) FROM c`)],
    answers: /^timeout$/,
  },
  {
    title: "M2 a mega-byte of one token",
    sent: [write(`SELECT 1 ${"$a(".repeat(349_000)} x`)],
    answers: /^(sql|invalid|too_large)$/,
  },
];

const DIFFER: readonly Input[] = [
  {
    title: "C6a a random rowid within one statement",
    sent: [
      write("CREATE TABLE c6 (id INTEGER PRIMARY KEY, x)"),
      write("INSERT INTO c6 VALUES (1, 0)"),
      write(
        `INSERT INTO c6 (id, x) VALUES (1, 0), (NULL, 1), (${LARGEST}, 2) ON CONFLICT (id) DO UPDATE SET id = CASE id WHEN 1 THEN ${LARGEST} ELSE 7 END`,
      ),
    ],
    answers: /^constraint$/,
  },
  {
    title: "C6b changes() beside a full-text index, from many clients",
    sent: [
      write("CREATE TABLE docs (id INTEGER PRIMARY KEY, body)"),
      write(
        "CREATE VIRTUAL TABLE found USING fts5(body, content='docs', content_rowid='id')",
      ),
      write(
        "CREATE TRIGGER indexed AFTER INSERT ON docs BEGIN INSERT INTO found (rowid, body) VALUES (NEW.id, NEW.body); END",
      ),
      write("CREATE TABLE seen (w NOT NULL)"),
      {
        route: "txn",
        body: {
          statements: [
            { sql: "INSERT INTO docs (body) VALUES ('one two three')" },
            { sql: "INSERT INTO seen SELECT changes() UNION ALL SELECT 7" },
          ],
        },
      },
    ],
    times: 60,
    answers: /^ok$/,
  },
  {
    title: "C6c a view of what is a member's own, read by full-text search",
    sent: [
      write("CREATE VIEW own AS SELECT 1 AS id, total_changes() AS x"),
      write(
        "CREATE VIRTUAL TABLE fe USING fts5(x, content='own', content_rowid='id')",
      ),
      write("CREATE TABLE kept (x)"),
      write("INSERT INTO kept SELECT x FROM fe"),
    ],
    removes: write("DROP TABLE fe"),
    answers: /^(forbidden|sql)$/,
  },
  {
    title: "H2 a query of other clients' answers through full-text search",
    sent: [
      write("CREATE VIEW stolen AS SELECT 1 AS id, 'x' AS x"),
      write(
        "CREATE VIRTUAL TABLE ft USING fts5(x, content='_hql_answers', content_rowid='rowid')",
      ),
      read("SELECT x FROM ft"),
    ],
    removes: write("DROP TABLE ft"),
    answers: /^(forbidden|sql)$/,
  },
  {
    title: "H2 a view of members' own tables",
    sent: [write("CREATE VIEW peek AS SELECT * FROM _hql_answers")],
    answers: /^forbidden$/,
  },
];

const USE: readonly Input[] = [
  {
    title: "U1 ALTER TABLE on a STRICT table with CHECK",
    sent: [
      write("CREATE TABLE u1 (id INTEGER PRIMARY KEY, a INT) STRICT"),
      write("INSERT INTO u1 VALUES (1, 1)"),
      write("ALTER TABLE u1 ADD COLUMN b INT NOT NULL DEFAULT 7 CHECK (b > 0)"),
    ],
    answers: /^ok$/,
  },
  {
    title: "U2 ALTER TABLE with DEFAULT CURRENT_TIMESTAMP",
    sent: [
      write("CREATE TABLE u2 (id INTEGER PRIMARY KEY)"),
      write("ALTER TABLE u2 ADD COLUMN at DEFAULT CURRENT_TIMESTAMP"),
    ],
    answers: /^ok$/,
  },
  {
    title: "U18 a DISTINCT that needs temporary space",
    sent: [
      write(
        "CREATE TABLE big AS WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c LIMIT 40000) SELECT x || hex(zeroblob(95)) AS v FROM c",
      ),
      read("SELECT count(*) FROM (SELECT DISTINCT v FROM big)"),
    ],
    answers: /^ok$/,
  },
  {
    title: "U20 four hundred tables in one script",
    sent: [{
      route: "batch",
      body: {
        sql: Array.from(
          { length: 400 },
          (_, i) => `CREATE TABLE u20_${i} (a, b)`,
        )
          .join("; "),
        // A busy machine may need longer than the short limit of this cluster.
        max_run_ms: 60_000,
        timeout_ms: 100_000,
      },
    }],
    answers: /^ok$/,
  },
];

/** All that one cluster takes in turn. */
export const INPUTS: readonly Input[] = [
  ...FULL,
  ...PANIC,
  ...MEMORY,
  ...TIME,
  ...DIFFER,
  ...USE,
];
