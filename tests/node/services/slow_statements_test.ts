import assert from "node:assert/strict";
import { SlowStatements } from "../../../src/node/services/slow_statements.ts";
import type { CommandBody } from "../../../src/state/sql/types.ts";
import { Logger } from "../../../src/util/logger.ts";

type Line = Readonly<Record<string, unknown>>;

function slow(limitMs: number): {
  readonly log: SlowStatements;
  readonly lines: Line[];
  readonly now: { ms: number };
} {
  const lines: Line[] = [];
  const now = { ms: 0 };
  const clock = { monotonic: () => now.ms, wall: () => now.ms };
  const logger = new Logger("warn", ({ message, fields }) => {
    assert.equal(message, "slow statement");
    lines.push(fields);
  });
  return { log: new SlowStatements(limitMs, clock, logger), lines, now };
}

const TXN: CommandBody = {
  kind: "txn",
  statements: [{ sql: "INSERT 1", params: ["hush"] }, { sql: "INSERT 2" }],
};

Deno.test("statements that take the limit or longer are logged, without their parameters", () => {
  const { log, lines } = slow(100);
  log.asked("SELECT 1", 99.9, null);
  log.asked("SELECT 2", 100, "timeout");
  log.wrote(TXN, 250.4, null);
  log.wrote(
    {
      kind: "execute",
      statement: { sql: "UPDATE x", params: ["hush"] },
    },
    101,
    null,
  );
  assert.deepEqual(lines, [
    { kind: "query", ms: 100, sql: "SELECT 2", failed: "timeout" },
    { kind: "write", ms: 250, sql: "INSERT 1 … and 1 more" },
    { kind: "write", ms: 101, sql: "UPDATE x" },
  ]);
});

Deno.test("with a limit of 0 nothing is logged", () => {
  const { log, lines } = slow(0);
  log.asked("SELECT 1", 1e9, null);
  assert.deepEqual(lines, []);
});

Deno.test("a text is cut after 1,000 characters", () => {
  const { log, lines } = slow(1);
  log.asked("x".repeat(1_001), 1, null);
  assert.equal(lines[0]!["sql"], `${"x".repeat(1_000)}…`);
});

Deno.test("ten lines in ten seconds, then how many were left out", () => {
  const { log, lines, now } = slow(1);
  for (let i = 0; i < 15; i++) log.asked(`SELECT ${i}`, 1, null);
  assert.equal(lines.length, 10);
  now.ms = 9_999;
  log.asked("SELECT 15", 1, null);
  assert.equal(lines.length, 10);
  now.ms = 10_000;
  log.asked("SELECT 16", 1, null);
  assert.deepEqual(lines.at(-1), {
    kind: "query",
    ms: 1,
    sql: "SELECT 16",
    leftOut: 6,
  });
});

Deno.test("the last two hundred are remembered, also those that are not logged", () => {
  const { log, lines, now } = slow(100);
  assert.equal(log.limitMs, 100);
  log.asked("SELECT 0", 99, null);
  assert.equal(log.latest.length, 0);
  now.ms = 5;
  log.wrote(TXN, 250.4, "timeout");
  assert.deepEqual(log.latest, [{
    atMs: 5,
    kind: "write",
    sql: "INSERT 1 … and 1 more",
    ms: 250,
    failure: "timeout",
  }]);
  for (let i = 1; i <= 200; i++) log.asked(`SELECT ${i}`, 100, null);
  assert.equal(lines.length, 10);
  assert.deepEqual(
    log.latest.map(({ sql }) => sql),
    Array.from({ length: 200 }, (_, i) => `SELECT ${200 - i}`),
  );
  log.asked("x".repeat(1_001), 100, null);
  const [newest] = log.latest;
  assert.equal(newest!.sql, `${"x".repeat(1_000)}…`);
});

Deno.test("with a limit of 0 nothing is remembered", () => {
  const { log } = slow(0);
  log.asked("SELECT 1", 1e9, null);
  assert.equal(log.limitMs, null);
  assert.equal(log.latest.length, 0);
});
