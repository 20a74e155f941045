import assert from "node:assert/strict";
import { SESSION_LIMITS } from "../../../../src/state/session_limits.ts";
import { Direct } from "../direct.ts";
import {
  answered,
  type Asked,
  command,
  execute,
  type Rest,
  START_MS,
} from "../subject.ts";
import { test } from "../drivers.ts";

const HOUR_MS = SESSION_LIMITS.windowMs;

const INSERT = execute("INSERT INTO t VALUES (random()) RETURNING rowid, a");

function member(path?: string): Direct {
  const direct = new Direct(path);
  direct.ok("CREATE TABLE t (a)");
  return direct;
}

function openSession(direct: Direct): number {
  const session = direct.next;
  direct.run({ kind: "openSession" });
  return session;
}

function send(
  direct: Direct,
  body: Asked,
  identity: Rest,
): Uint8Array {
  return direct.batch([command(body, identity)])[0]!;
}

function codeOf(answer: Uint8Array): string {
  const { result } = answered(answer);
  return result.ok ? "ok" : result.error.code;
}

function count(direct: Direct): unknown {
  return direct.rows("SELECT count(*) FROM t")[0]![0];
}

test("§1.5 a repeated write is applied once and answered with the first answer's bytes", () => {
  using direct = member();
  const session = openSession(direct);
  const identity = { session, sequence: 1, answeredBelow: 1 };
  const first = send(direct, INSERT, identity);
  const again = send(direct, INSERT, { ...identity, seed: [9, 9] });
  assert.deepEqual(again, first);
  assert.equal(answered(again).index, session + 1);
  assert.equal(count(direct), 1);
});

test("§1.5 a repeated write in the same batch is applied once", () => {
  using direct = member();
  const session = openSession(direct);
  const payload = command(INSERT, { session, sequence: 1, answeredBelow: 1 });
  const [first, again] = direct.batch([payload, payload]);
  assert.deepEqual(again, first);
  assert.equal(count(direct), 1);
});

test("§1.5 a failed write's repetition fails with the same answer, even if it would succeed now", () => {
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

test("writes of a session may arrive out of order", () => {
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

test("§1.5 an acknowledged write that comes late is not applied again", () => {
  using direct = member();
  const session = openSession(direct);
  send(direct, INSERT, { session, sequence: 1, answeredBelow: 1 });
  send(direct, INSERT, { session, sequence: 2, answeredBelow: 2 });
  const late = send(direct, INSERT, { session, sequence: 1, answeredBelow: 1 });
  assert.equal(codeOf(late), "session_expired");
  assert.equal(count(direct), 2);
});

test("acknowledged answers leave memory and disk", () => {
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

test("§1.5 a session ends after the retry window without use, by the cluster clock", () => {
  using direct = member();
  const session = openSession(direct);
  let clockMs = 0;
  const after = (sequence: number, ms: number) => {
    clockMs += ms;
    const identity = { session, sequence, answeredBelow: 1, clockMs };
    return codeOf(send(direct, INSERT, identity));
  };
  assert.equal(after(1, HOUR_MS), "ok");
  assert.equal(after(2, HOUR_MS), "ok");
  assert.equal(after(3, HOUR_MS + 1), "session_expired");
  assert.equal(after(2, 0), "session_expired");
  assert.equal(count(direct), 2);
});

test("§1.5 wall clocks make nobody forget: neither sessions nor keys", () => {
  using direct = member();
  const session = openSession(direct);
  const inSession = { session, sequence: 1, answeredBelow: 1 };
  const byKey = { idempotencyKey: "order-1" };
  for (const identity of [inSession, byKey]) send(direct, INSERT, identity);
  for (let day = 1; day <= 5; day++) {
    const timeMs = START_MS + day * 24 * HOUR_MS;
    for (const identity of [inSession, byKey]) {
      assert.equal(
        codeOf(send(direct, INSERT, { ...identity, timeMs, clockMs: day })),
        "ok",
      );
    }
  }
  assert.equal(count(direct), 2);
});

test("a clock entry moves the clock, and what is too old is forgotten", () => {
  using direct = member();
  const session = openSession(direct);
  send(direct, { kind: "clock" }, { clockMs: HOUR_MS + 1 });
  assert.equal(direct.applier.position.clockMs, HOUR_MS + 1);
  assert.equal(direct.rows("SELECT count(*) FROM _hql_sessions")[0]![0], 0);
  const late = send(direct, INSERT, { session, sequence: 1, clockMs: 1 });
  assert.equal(codeOf(late), "session_expired");
  assert.equal(direct.applier.position.clockMs, HOUR_MS + 1);
});

test("§1.5 an unknown or closed session is refused", () => {
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

test("§1.5 more sessions than allowed close the one unused longest, also after a restart", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    const first = openSession(direct);
    const second = openSession(direct);
    send(direct, INSERT, { session: first, sequence: 1, answeredBelow: 1 });
    direct.restart();
    const open = command({ kind: "openSession" });
    direct.batch(new Array(SESSION_LIMITS.sessions - 1).fill(open));
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

test("§1.5 an idempotency key applies once, without a session", () => {
  using direct = member();
  const identity = { idempotencyKey: "order-1" };
  const first = send(direct, INSERT, identity);
  assert.deepEqual(send(direct, INSERT, { ...identity, seed: [5, 5] }), first);
  assert.equal(count(direct), 1);
});

test("an idempotency key used for another write is a conflict", () => {
  using direct = member();
  const identity = { idempotencyKey: "order-1" };
  send(direct, INSERT, identity);
  const other = execute("DELETE FROM t");
  assert.equal(codeOf(send(direct, other, identity)), "conflict");
  assert.equal(count(direct), 1);
});

test("an idempotency key is free again after the retry window", () => {
  using direct = member();
  const identity = { idempotencyKey: "order-1" };
  send(direct, INSERT, identity);
  send(direct, INSERT, { ...identity, clockMs: HOUR_MS });
  assert.equal(count(direct), 1);
  send(direct, INSERT, { ...identity, clockMs: HOUR_MS + 1 });
  assert.equal(count(direct), 2);
});

test("an answer too large to remember is remembered as applied", () => {
  using direct = member();
  const session = openSession(direct);
  const identity = { session, sequence: 1, answeredBelow: 1 };
  const body = execute("INSERT INTO t VALUES (1) RETURNING zeroblob(100000)");
  assert.equal(codeOf(send(direct, body, identity)), "ok");
  const again = send(direct, body, identity);
  assert.equal(codeOf(again), "too_large");
  assert.equal(answered(again).index, session + 1);
  assert.equal(count(direct), 1);
});

test("§1.5 what is remembered survives a restart, and what is forgotten stays forgotten", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    using twin = member();
    const session = openSession(direct);
    openSession(twin);
    const payloads = Array.from({ length: 30 }, (_, i) =>
      command(INSERT, {
        session,
        sequence: i + 1,
        answeredBelow: Math.max(1, i - 3),
        idempotencyKey: i % 3 === 0 ? `key-${i}` : "",
        clockMs: i * HOUR_MS / 20,
      }));
    twin.batch(payloads);
    for (const payload of payloads) {
      direct.batch([payload]);
      direct.restart();
    }
    assert.equal(direct.dump(), twin.dump());
    assert.deepEqual(
      direct.batch(payloads).map((bytes) => answered(bytes)),
      twin.batch(payloads).map((bytes) => answered(bytes)),
    );
    assert.equal(direct.dump(), twin.dump());
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

test("a database of another format is refused, with what to do", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    const [[format]] = direct.rows("SELECT format FROM _hql_meta") as [
      [number],
    ];
    direct.exec("UPDATE _hql_meta SET format = 2");
    assert.throws(
      () => direct.restart(),
      /has format 2, this release reads format \d+: start the release that wrote it, or begin with an empty data directory/,
    );
    direct.exec(`UPDATE _hql_meta SET format = ${format}`);
    direct.restart();
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});

Deno.test("M1 the input itself: 1,100 keyed writes with large answers, then the retry of the first", () => {
  const dir = Deno.makeTempDirSync({ prefix: "hql-sessions-" });
  try {
    using direct = member(`${dir}/a.db`);
    const large = execute(
      "INSERT INTO t VALUES (1) RETURNING printf('%.*c', 64000, 'x')",
    );
    const first = send(direct, INSERT, { idempotencyKey: "alice-1" });
    for (let batch = 0; batch < 11; batch++) {
      direct.batch(
        Array.from(
          { length: 100 },
          (_, i) => command(large, { idempotencyKey: `bob-${batch}-${i}` }),
        ),
      );
    }
    assert.equal(count(direct), 1101);
    for (let round = 0; round < 2; round++) {
      const again = send(direct, INSERT, { idempotencyKey: "alice-1" });
      assert.equal(codeOf(again), "too_large");
      assert.equal(answered(again).index, answered(first).index);
      assert.equal(count(direct), 1101);
      const before = direct.dump();
      direct.restart();
      assert.equal(direct.dump(), before);
    }
    // Their bytes are gone from the database, too: 64 MiB of answers, and the room of a batch.
    const bytes =
      direct.rows("SELECT sum(length(data)) FROM _hql_answers")[0]![0];
    assert.ok(Number(bytes) < 75e6, `${bytes}`);
    // An hour later there is nothing left.
    const clockMs = HOUR_MS + 1;
    direct.run({ kind: "clock" }, { clockMs });
    assert.deepEqual(direct.rows("SELECT count(*) FROM _hql_answers"), [[0]]);
    assert.equal(
      codeOf(send(direct, INSERT, { idempotencyKey: "alice-1", clockMs })),
      "ok",
    );
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
});
