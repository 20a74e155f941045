import { type Random, randomBetween } from "../../src/util/random.ts";
import { SECRET_API } from "../cluster/harness.ts";
import type { Outcome, Poison, Victim } from "./poison.ts";

/** Nothing may take longer, ms: a write's own limit, and two seconds. */
const ANSWER_MS = 14_000;

/** Gives statements that `draw` makes, most of them as writes. */
export function sqlPoison(draw: (random: Random) => string): Poison {
  return (victim, random) => {
    const sql = draw(random);
    const route = randomBetween(random, 0, 4) === 0 ? "query" : "execute";
    return post(victim, route, JSON.stringify({ sql }), `${route} ${sql}`);
  };
}

/** Gives scripts that `draw` makes. */
export function scriptPoison(draw: (random: Random) => string): Poison {
  return (victim, random) => {
    const sql = draw(random);
    return post(victim, "batch", JSON.stringify({ sql }), `batch ${sql}`);
  };
}

/** Sends a body; answers with the code in the reply. */
export async function post(
  { hostname, apiPort }: Victim,
  route: string,
  body: string,
  what: string,
): Promise<Outcome> {
  const begin = performance.now();
  const outcome = (code: string): Outcome => ({
    what: what.slice(0, 240),
    code,
    ms: performance.now() - begin,
  });
  try {
    const response = await fetch(
      `http://${hostname}:${apiPort}/api/v1/${route}`,
      {
        method: "POST",
        headers: {
          "x-api-secret": SECRET_API,
          "content-type": "application/json",
        },
        body,
        signal: AbortSignal.timeout(ANSWER_MS),
      },
    );
    const text = await response.text();
    return outcome(response.ok ? "ok" : codeOf(text));
  } catch {
    return outcome("none");
  }
}

function codeOf(text: string): string {
  try {
    return JSON.parse(text).error.code;
  } catch {
    return "unreadable";
  }
}

function pick<T>(random: Random, items: readonly T[]): T {
  return items[randomBetween(random, 0, items.length)]!;
}

/** The table that poison writes into. */
export const POISON_SCHEMA =
  "CREATE TABLE IF NOT EXISTS poison (id INTEGER PRIMARY KEY, x)";

/** Rows without an end, or with one that nobody lives to see. */
function endless(random: Random): string {
  return pick(random, [
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x FROM c)",
    "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c)",
    "WITH RECURSIVE d(x) AS (VALUES(1) UNION ALL SELECT x+1 FROM d LIMIT 5000), c(x) AS (SELECT a.x FROM d a, d b, d e, d f)",
  ]);
}

/** One call of a function whose time is the product of two lengths. */
function slowCall(random: Random): string {
  const long = `printf('%.*c', ${randomBetween(random, 10, 60)}000000, 'a')`;
  const short = `printf('%.*c', ${randomBetween(random, 1, 20)}000, 'a')`;
  return pick(random, [
    `instr(${long}, ${long} || 'b')`,
    `replace(${long}, ${long} || 'b', '')`,
    `trim(${long}, replace(${short}, 'a', 'bcd') || 'a')`,
    `${long} LIKE '%' || ${short} || 'b'`,
    `${long} GLOB '*[a]' || ${short} || 'b'`,
    `json_patch('{' || replace(${short}, 'a', '"a":1,') || '"b":1}', '{' || replace(${short}, 'a', '"c":1,') || '"b":1}')`,
    `json_extract('[' || replace(${long}, 'a', '1,') || '1]'${
      ", '$[#-1]'".repeat(randomBetween(random, 1, 120))
    })`,
  ]);
}

/** Statements that take for ever. */
export function drawTime(random: Random): string {
  if (randomBetween(random, 0, 3) === 0) {
    return pick(random, ["SELECT ", "INSERT INTO poison(x) SELECT "]) +
      slowCall(random);
  }
  return `${endless(random)} ${
    pick(random, [
      "INSERT INTO poison(x) SELECT 1 FROM c WHERE x = -2",
      "SELECT count(*) FROM c",
      "SELECT max(x) FROM c WHERE x LIKE '%a%b%c%'",
      "UPDATE poison SET x = (SELECT count(*) FROM c)",
      "DELETE FROM poison WHERE x IN (SELECT -x FROM c)",
    ])
  }`;
}

/** A value of up to a gigabyte, made of a few characters. */
function hugeValue(random: Random): string {
  const bytes = randomBetween(random, 1, 100) *
    pick(random, [100_000, 1_000_000, 9_000_000]);
  return pick(random, [
    `zeroblob(${bytes})`,
    `hex(zeroblob(${bytes}))`,
    `replace(hex(zeroblob(${bytes})), '00', 'abcdefgh')`,
    `printf('%*d', ${bytes}, 1)`,
    `quote(zeroblob(${bytes}))`,
    `json_array(hex(zeroblob(${bytes})))`,
    `(WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT ${
      1 + bytes % 1_000_000
    }) SELECT group_concat(hex(zeroblob(100)) || x) FROM c)`,
  ]);
}

/** Statements that ask for more memory than there is. */
export function drawMemory(random: Random): string {
  const columns = Array.from(
    { length: randomBetween(random, 1, 30) },
    () => hugeValue(random),
  );
  return randomBetween(random, 0, 3) === 0
    ? `INSERT INTO poison(x) VALUES (${columns.join("), (")}) RETURNING x, x, x`
    : `SELECT ${columns.join(", ")}`;
}

/** Formats and texts that make a runtime panic. */
export function drawPanic(random: Random): string {
  const name = pick(random, ["strftime", "strftime", "date", "datetime"]);
  const format = pick(random, ["%J", "%s", "%f", "%Y-%m-%d"]);
  const times = randomBetween(random, 1, 34) * 1_000_000;
  const bomb = `replace(hex(zeroblob(${times})), '00', '${format}')`;
  return name === "strftime"
    ? `SELECT strftime(${bomb}, 'now')`
    : `SELECT ${name}('now', ${bomb})`;
}

/** Inserts that are larger than a small disk. */
export function drawDisk(random: Random): string {
  const rows = randomBetween(random, 1, 1000);
  return `WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x+1 FROM c LIMIT ${rows}) INSERT INTO poison(x) SELECT zeroblob(1000000) FROM c`;
}

/** Statements that use up the rowids of a table, whose error was taken for that of a full disk. */
export function drawFull(random: Random): string {
  const table = `full_${random.uint32()}`;
  const key = pick(random, ["AUTOINCREMENT", ""]);
  const most = "9223372036854775807";
  return [
    `CREATE TABLE ${table}(id INTEGER PRIMARY KEY ${key}, x)`,
    `INSERT INTO ${table} VALUES (1, 0)`,
    pick(random, [
      `INSERT INTO ${table}(id, x) VALUES (1, 0), (NULL, 1) ON CONFLICT(id) DO UPDATE SET id = ${most}`,
      `INSERT INTO ${table}(id, x) VALUES (${most}, 1), (NULL, 2)`,
      `UPDATE ${table} SET id = ${most}`,
    ]),
    `INSERT INTO ${table}(x) VALUES (3)`,
  ].join("; ");
}
