import { PrepareFailedError } from "../../../../src/state/port.ts";
import { looksFull } from "../../../../src/state/sqlite/driver/result_codes.ts";
import type { CommandBody, SqlValue } from "../../../../src/state/sql/types.ts";
import type { SqliteDriver } from "../../../../src/state/sqlite/driver/driver.ts";
import { Direct } from "../direct.ts";
import { lastDriver, presentDriver } from "../drivers.ts";
import { command, execute, START_MS, txn } from "../subject.ts";
import type { History, Step } from "./grammar.ts";
import { Random } from "./random.ts";

/** How a machine differs from the first, or how one failed; null if all are equal. */
export type Difference = string | null;

/** All three machines have the same one, of an odd seed the library: what versions of SQLite differ in is in src/decisions/40-two-sqlite-drivers.md. */
function driverOf(seed: number): SqliteDriver {
  return seed % 2 === 0 ? presentDriver() : lastDriver();
}

/**
 * Applies a history on three machines: entry by entry; cut into other batches, of a
 * member that leads at times and then runs what is never committed; cut into others
 * again, with restarts between them. `dir` is for the last one's file.
 */
export function compare(
  history: History,
  seed: number,
  dir: string,
): Difference {
  const payloads = history.map((step, i) =>
    command(bodyOf(step), {
      seed: [seed >>> 0, i],
      timeMs: START_MS + 1000 * i,
    })
  );
  const file = `${dir}/c.db`;
  const driver = driverOf(seed);
  try {
    const expected = outcome(payloads, driver, ":memory:", null, 1);
    const random = new Random(seed ^ 0x5bd1e995);
    for (
      const [name, path] of [["batches", ":memory:"], [
        "restarts",
        file,
      ]] as const
    ) {
      const found = outcome(payloads, driver, path, random, 12);
      const difference = differs(expected, found);
      if (difference !== null) return `${name}: ${difference}`;
    }
    return expected.damage;
  } catch (error) {
    return `${looksFull(error) ? "full" : "failed"}: ${error}`;
  } finally {
    for (const end of ["", "-wal", "-shm"]) {
      try {
        Deno.removeSync(file + end);
      } catch {
        // Never made.
      }
    }
  }
}

/** What must be equal. */
interface Outcome {
  readonly answers: readonly string[];
  readonly events: readonly string[];
  readonly contents: string;
  readonly shadows: string;
  readonly hash: number;
  /** What SQLite finds wrong with the file. */
  readonly damage: string | null;
}

function outcome(
  payloads: readonly Uint8Array[],
  driver: SqliteDriver,
  path: string,
  cuts: Random | null,
  longest: number,
): Outcome {
  using member = new Direct(path, undefined, driver);
  const answers: string[] = [];
  for (let at = 0; at < payloads.length;) {
    const length = cuts === null ? 1 : 1 + cuts.below(longest);
    if (path === ":memory:" && cuts?.once(4)) {
      leadInVain(member, payloads, cuts);
    }
    for (const answer of member.batch(payloads.slice(at, at + length))) {
      answers.push(answer.toHex());
    }
    at += length;
    if (path !== ":memory:" && cuts?.once(3)) member.restart();
  }
  return {
    answers,
    events: member.events,
    contents: member.dump(),
    shadows: shadowsOf(member),
    hash: member.applier.position.hash,
    damage: cuts === null ? damageOf(member) : null,
  };
}

/** Runs commands before they are replicated, and loses leadership. */
function leadInVain(
  member: Direct,
  payloads: readonly Uint8Array[],
  random: Random,
): void {
  const from = random.below(payloads.length);
  try {
    member.prepare(payloads.slice(from, from + 1 + random.below(5)));
    member.applier.rollbackPrepared();
  } catch (error) {
    if (!(error instanceof PrepareFailedError)) throw error;
  }
}

function differs(a: Outcome, b: Outcome): Difference {
  for (const [i, answer] of a.answers.entries()) {
    const [one, other] = [answer, b.answers[i] ?? ""];
    if (one === other) continue;
    const [said, told] = [readable(one), readable(other)];
    if (said.includes(RESERVED) || told.includes(RESERVED)) continue;
    return `answer ${i}: ${said} | ${told}`;
  }
  if (a.hash !== b.hash) return "checksums";
  if (a.contents !== b.contents) {
    return lines("contents", a.contents, b.contents);
  }
  const [told, heard] = [a.events.join("\n"), b.events.join("\n")];
  if (told !== heard) return lines("events", told, heard);
  if (a.shadows !== b.shadows) return lines("shadows", a.shadows, b.shadows);
  return null;
}

/** A row that has this and another fault is refused for what is looked at first, which depends on whether its table has a guard; the code is the same, and in the checksum. */
const RESERVED = "is reserved: SQLite would";

function readable(hex: string): string {
  return new TextDecoder().decode(Uint8Array.fromHex(hex)).replace(
    // deno-lint-ignore no-control-regex
    /[\x00-\x1f\ufffd]+/g,
    " ",
  );
}

function lines(what: string, a: string, b: string): string {
  const other = b.split("\n");
  const at = a.split("\n").findIndex((line, i) => line !== other[i]);
  return `${what}: ${a.split("\n")[at]?.slice(0, 300)} | ${
    other[at]?.slice(0, 300)
  }`;
}

/**
 * Where virtual tables keep their data, row by row: even that follows from the entries alone. But for
 * contentless_delete, where full-text search counts rows that were rolled back: for its merges only.
 */
function shadowsOf(member: Direct): string {
  const names = member.rows(
    `SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow' AND NOT EXISTS
      (SELECT 1 FROM sqlite_schema WHERE sql LIKE '%contentless_delete%') ORDER BY name`,
  );
  return names.map(([name]) =>
    `${name}: ${
      JSON.stringify(
        member.rows(`SELECT * FROM "${name}"`).map(withoutCookie),
        (_, value) =>
          typeof value === "bigint"
            ? String(value)
            : value instanceof Uint8Array
            ? value.toHex()
            : value,
      )
    }`
  ).join("\n");
}

/**
 * The first bytes of a full-text index's structure say that its settings changed, to connections that know older ones:
 * 'rebuild' writes 0 on a connection that has not read them yet, as after a restart. No answer depends on it.
 */
function withoutCookie(row: readonly SqlValue[]): readonly SqlValue[] {
  const [id, block] = row;
  const structure = id === 10 && row.length === 2 &&
    block instanceof Uint8Array;
  return structure ? [id, block.subarray(4)] : row;
}

/** Damage of tables and indexes; a full-text index over other content may rightly disagree with it. */
function damageOf(member: Direct): string | null {
  const found = member.rows("PRAGMA integrity_check").map(([line]) => `${line}`)
    .filter((line) =>
      line !== "ok" && !/inverted index|fts|unable to validate/i.test(line) &&
      !/^(CHECK constraint failed|NULL value|NUMERIC value|TEXT value)/.test(
        line,
      )
    );
  return found.length === 0 ? null : `damage: ${found[0]}`;
}

function bodyOf({ kind, statements }: Step): CommandBody {
  switch (kind) {
    case "execute":
      return execute(statements[0]!);
    case "txn":
      return txn(...statements);
    case "batch":
      return { kind: "batch", sql: statements.join(";\n") };
  }
}
