import assert from "node:assert/strict";
import { decodeResult } from "../../../../src/state/sql/command.ts";
import {
  PAUSE_MAX_MS,
  RETRY_WINDOW_MS,
  SESSIONS_MAX,
} from "../../../../src/state/sqlite/apply/sessions.ts";
import type { Command, CommandBody } from "../../../../src/state/sql/types.ts";
import { Direct } from "../direct.ts";
import { command, execute, START_MS } from "../subject.ts";

const INSERT = execute("INSERT INTO t VALUES (random()) RETURNING rowid, a");

function member(path?: string): Direct {
  const direct = new Direct(path);
  direct.ok("CREATE TABLE t (a)");
  return direct;
}

function openSession(direct: Direct, timeMs = START_MS): number {
  const session = direct.next;
  direct.run({ kind: "openSession" }, { timeMs });
  return session;
}

function send(
  direct: Direct,
  body: CommandBody,
  identity: Partial<Omit<Command, "body">>,
): Uint8Array {
  return direct.batch([command(body, identity)])[0]!;
}

/** Writes of others until the entries' time is `to`, none long after the one before. */
function pass(direct: Direct, from: number, to: number): void {
  const other = { kind: "closeSession" as const };
  for (let timeMs = from; timeMs < to;) {
    timeMs = Math.min(to, timeMs + PAUSE_MAX_MS);
    send(direct, other, { session: 0, timeMs });
  }
}

function codeOf(answer: Uint8Array): string {
  const { result } = decodeResult(answer);
  return result.ok ? "ok" : result.error.code;
}

function count(direct: Direct): unknown {
  return direct.rows("SELECT count(*) FROM t")[0]![0];
}

Deno.test("§1.5 a repeated write is applied once and answered with the first answer's bytes", () => {
  using direct = member();
  const session = openSession(direct);
  const identity = { session, sequence: 1, answeredBelow: 1 };
  const first = send(direct, INSERT, identity);
  const again = send(direct, INSERT, { ...identity, seed: [9, 9] });
  assert.deepEqual(again, first);
  assert.equal(decodeResult(again).index, session + 1);
  assert.equal(count(direct), 1);
});

Deno.test("§1.5 a repeated write in the same batch is applied once", () => {
  using direct = member();
  const session = openSession(direct);
  const payload = command(INSERT, { session, sequence: 1, answeredBelow: 1 });
  const [first, again] = direct.batch([payload, payload]);
  assert.deepEqual(again, first);
  assert.equal(count(direct), 1);
});

Deno.test("§1.5 a failed write's repetition fails with the same answer, even if it would succeed now", () => {
  using direct = member();
  const session = openSession(direct);
  const identity = { session, sequence: 1, answeredBelow: 1 };
  const first = send(direct, execute("INSERT INTO later VALUES (1)"), identity);
  direct.ok("CREATE TABLE later (a)");
  assert.deepEqual(
    send(direct, execute("INSERT INTO later VALUES (1)"), identity),
    first,
  );
});

Deno.test("writes of a session may arrive out of order", () => {
  using direct = member();
  const session = openSession(direct);
  const answers = [3, 1, 2].map((sequence) =>
    send(direct, INSERT, { session, sequence, answeredBelow: 1 })
  );
  assert.deepEqual(
    send(direct, INSERT, { session, sequence: 1, answeredBelow: 1 }),
    answers[1],
  );
  assert.equal(count(direct), 3);
});

Deno.test("§1.5 an acknowledged write that comes late is not applied again", () => {
  using direct = member();
  const session = openSession(direct);
  send(direct, INSERT, { session, sequence: 1, answeredBelow: 1 });
  send(direct, INSERT, { session, sequence: 2, answeredBelow: 2 });
  const late = send(direct, INSERT, { session, sequence: 1, answeredBelow: 1 });
  assert.equal(codeOf(late), "session_expired");
  assert.equal(count(direct), 2);
});

Deno.test("acknowledged answers leave memory and disk", () => {
  using direct = member();
  const session = openSession(direct);
  for (let sequence = 1; sequence <= 20; sequence++) {
    send(direct, INSERT, { session, sequence, answeredBelow: sequence });
  }
  assert.deepEqual(
    direct.rows("SELECT count(*) FROM _hql_answers"),
    [[1]],
  );
});

Deno.test("§1.5 a session ends after the retry window without use, by the entries' time", () => {
  using direct = member();
  const session = openSession(direct);
  let now = START_MS;
  const after = (sequence: number, ms: number) => {
    pass(direct, now, now + ms);
    now += ms;
    const identity = { session, sequence, answeredBelow: 1, timeMs: now };
    return codeOf(send(direct, INSERT, identity));
  };
  assert.equal(after(1, RETRY_WINDOW_MS), "ok");
  assert.equal(after(2, RETRY_WINDOW_MS), "ok");
  assert.equal(after(3, RETRY_WINDOW_MS + 1), "session_expired");
  assert.equal(after(2, 0), "session_expired");
  assert.equal(count(direct), 2);
});

Deno.test("§1.5 a jump of the leader's clock makes nobody forget: neither sessions nor keys", () => {
  using direct = member();
  const session = openSession(direct);
  const inSession = { session, sequence: 1, answeredBelow: 1 };
  const byKey = { idempotencyKey: "order-1" };
  for (const identity of [inSession, byKey]) send(direct, INSERT, identity);
  for (let day = 1; day <= 5; day++) {
    const timeMs = START_MS + day * 24 * RETRY_WINDOW_MS;
    for (const identity of [inSession, byKey]) {
      assert.equal(
        codeOf(send(direct, INSERT, { ...identity, timeMs })),
        "ok",
      );
    }
  }
  assert.equal(count(direct), 2);
});

Deno.test("§1.5 an unknown or closed session is refused", () => {
  using direct = member();
  const identity = { session: 4711, sequence: 1, answeredBelow: 1 };
  assert.equal(codeOf(send(direct, INSERT, identity)), "session_expired");
  const session = openSession(direct);
  const close = { kind: "closeSession" as const };
  assert.equal(codeOf(send(direct, close, { session, sequence: 1 })), "ok");
  assert.equal(codeOf(send(direct, close, { session, sequence: 2 })), "ok");
  assert.equal(
    codeOf(send(direct, INSERT, { session, sequence: 3 })),
    "session_expired",
  );
});

Deno.test("§1.5 more sessions than allowed close the one unused longest, also after a restart", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    const first = openSession(direct);
    const second = openSession(direct);
    send(direct, INSERT, { session: first, sequence: 1, answeredBelow: 1 });
    direct.restart();
    const open = command({ kind: "openSession" });
    direct.batch(new Array(SESSIONS_MAX - 1).fill(open));
    const identity = { sequence: 2, answeredBelow: 1 };
    assert.equal(
      codeOf(send(direct, INSERT, { ...identity, session: second })),
      "session_expired",
    );
    assert.equal(
      codeOf(send(direct, INSERT, { ...identity, session: first })),
      "ok",
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("§1.5 an idempotency key applies once, without a session", () => {
  using direct = member();
  const identity = { idempotencyKey: "order-1" };
  const first = send(direct, INSERT, identity);
  assert.deepEqual(send(direct, INSERT, { ...identity, seed: [5, 5] }), first);
  assert.equal(count(direct), 1);
});

Deno.test("an idempotency key used for another write is a conflict", () => {
  using direct = member();
  const identity = { idempotencyKey: "order-1" };
  send(direct, INSERT, identity);
  const other = execute("DELETE FROM t");
  assert.equal(codeOf(send(direct, other, identity)), "conflict");
  assert.equal(count(direct), 1);
});

Deno.test("an idempotency key is free again after the retry window", () => {
  using direct = member();
  const identity = { idempotencyKey: "order-1" };
  send(direct, INSERT, identity);
  const timeMs = START_MS + RETRY_WINDOW_MS + 1;
  pass(direct, START_MS, timeMs);
  send(direct, INSERT, { ...identity, timeMs });
  assert.equal(count(direct), 2);
});

Deno.test("an answer too large to remember is remembered as applied", () => {
  using direct = member();
  const session = openSession(direct);
  const identity = { session, sequence: 1, answeredBelow: 1 };
  const body = execute("INSERT INTO t VALUES (1) RETURNING zeroblob(100000)");
  assert.equal(codeOf(send(direct, body, identity)), "ok");
  const again = send(direct, body, identity);
  assert.equal(codeOf(again), "too_large");
  assert.equal(decodeResult(again).index, session + 1);
  assert.equal(count(direct), 1);
});

Deno.test("§1.5 what is remembered survives a restart, and what is forgotten stays forgotten", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    using twin = member();
    const session = openSession(direct);
    openSession(twin);
    const every = RETRY_WINDOW_MS / 20;
    const payloads = Array.from({ length: 30 }, (_, i) =>
      command(INSERT, {
        session,
        sequence: i + 1,
        answeredBelow: Math.max(1, i - 3),
        idempotencyKey: i % 3 === 0 ? `key-${i}` : "",
        timeMs: START_MS + i * every,
      }));
    // Between two of them there are others, so that time is not taken for a jump.
    const groups = payloads.map((payload, i) => [
      ...Array.from(
        { length: every / PAUSE_MAX_MS - 1 },
        (_, j) =>
          command({ kind: "closeSession" }, {
            session: 0,
            timeMs: START_MS + (i - 1) * every + (j + 1) * PAUSE_MAX_MS,
          }),
      ),
      payload,
    ]);
    twin.batch(groups.flat());
    for (const group of groups) {
      direct.batch(group);
      direct.restart();
    }
    assert.equal(direct.dump(), twin.dump());
    assert.deepEqual(
      direct.batch(payloads).map(decodeResult),
      twin.batch(payloads).map(decodeResult),
    );
    assert.equal(direct.dump(), twin.dump());
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("a database of the format before ages counts them by the entries' time from then on", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    const { ageMs, ...position } = direct.applier.position;
    direct.exec(
      "BEGIN; ALTER TABLE _hql_meta DROP COLUMN age; UPDATE _hql_meta SET format = 1; COMMIT",
    );
    direct.restart();
    assert.deepEqual(direct.applier.position, {
      ...position,
      ageMs: position.timeMs,
    });
    assert.notEqual(ageMs, position.timeMs);
    direct.restart();
    assert.equal(direct.applier.position.ageMs, position.timeMs);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
