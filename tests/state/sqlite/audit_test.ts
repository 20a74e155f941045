import assert from "node:assert/strict";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { decodeAuditAnswer } from "../../../src/state/audit/codec.ts";
import { decodeCommand } from "../../../src/state/sql/command.ts";
import { decodeEnvelope } from "../../../src/state/envelope.ts";
import {
  type AuditNote,
  type AuditOperation,
  NOTES_KEPT,
  SELECT_NOTES,
} from "../../../src/state/audit/types.ts";
import { MalformedBytesError } from "../../../src/util/bytes.ts";
import { Direct } from "./direct.ts";
import { test } from "./drivers.ts";
import { command, type Rest, START_MS } from "./subject.ts";

const NOTE: AuditNote = {
  role: "admin",
  address: "10.0.0.7",
  nodeId: 2,
  action: "write",
  detail: "DELETE FROM t WHERE id = ?",
  outcome: "done",
  rows: 1,
  did: 41,
};

function audit(operation: AuditOperation, rest: Rest = {}): Uint8Array {
  return command({ kind: "audit", operation }, rest);
}

function end(session: string, untilMs: number): AuditOperation {
  return { kind: "end", session, untilMs, note: { ...NOTE, action: "logout" } };
}

test("what was done from a dashboard is remembered with its time and place, the same everywhere", () => {
  using one = new Direct();
  using other = new Direct();
  const payloads = [audit({ kind: "note", note: NOTE }), audit(end("s1", 9))];
  one.batch(payloads);
  other.batch([payloads[0]!]);
  other.batch([payloads[1]!]);
  const sql = "SELECT idx, at, note FROM _hql_audit ORDER BY n";
  const rows = one.rows(sql);
  assert.deepEqual(rows.map(([index, at]) => [index, at]), [
    [1, START_MS],
    [2, START_MS],
  ]);
  assert.deepEqual(JSON.parse(rows[0]![2] as string), NOTE);
  assert.deepEqual(rows, other.rows(sql));
  assert.equal(one.applier.position.hash, other.applier.position.hash);
  for (const table of ["_hql_audit", "_hql_signed_out"]) {
    assert.equal(one.fail(`DELETE FROM ${table}`).code, "forbidden");
  }
});

test("of what was done the newest notes are kept", () => {
  using on = new Direct();
  const payload = audit({ kind: "note", note: NOTE });
  const most = NOTES_KEPT.admin;
  on.batch(Array<Uint8Array>(most + 3).fill(payload));
  assert.deepEqual(
    on.rows("SELECT count(*), min(n), max(idx) FROM _hql_audit"),
    [[most, 4, most + 3]],
  );
});

test("what viewers do pushes out nothing that admins did, nor out of what is shown", () => {
  using on = new Direct();
  on.batch([audit({ kind: "note", note: NOTE })]);
  const viewed = audit({ kind: "note", note: { ...NOTE, role: "viewer" } });
  const most = NOTES_KEPT.viewer;
  on.batch(Array<Uint8Array>(most + 300).fill(viewed));
  const sql = "SELECT role, count(*), min(n) FROM _hql_audit GROUP BY role";
  assert.deepEqual(on.rows(sql), [["admin", 1, 1], ["viewer", most, 302]]);
  const shown = on.rows(SELECT_NOTES);
  assert.equal(JSON.parse(shown.at(-1)![2] as string).role, "admin");
  on.batch([audit({ kind: "note", note: NOTE })]);
  assert.deepEqual(on.rows(sql), [["admin", 2, 1], ["viewer", most, 302]]);
});

test("who signed out is remembered until the session would have ended", () => {
  using on = new Direct();
  const sql = "SELECT session FROM _hql_signed_out ORDER BY session";
  on.batch([audit(end("a", START_MS + 5)), audit(end("b", START_MS + 90))]);
  on.batch([audit(end("b", START_MS + 90))]);
  assert.deepEqual(on.rows(sql), [["a"], ["b"]]);
  on.batch([audit(end("c", START_MS + 90), { timeMs: START_MS + 5 })]);
  assert.deepEqual(on.rows(sql), [["b"], ["c"]]);
});

test("what is good once is spent by the first entry, which alone is noted", () => {
  using on = new Direct();
  const note = { ...NOTE, action: "login" };
  const spend = (nonce: string): Uint8Array =>
    audit({ kind: "spend", nonce, untilMs: START_MS + 90, note });
  const answers = on.batch([spend("a"), spend("a"), spend("b")])
    .map((bytes) => decodeAuditAnswer(decodeAnswer(bytes).body));
  assert.deepEqual(answers, [true, false, true]);
  assert.deepEqual(on.rows("SELECT idx FROM _hql_audit"), [[1], [3]]);
  assert.throws(() => decodeAuditAnswer(Uint8Array.of(4, 1)), /not an answer/);
});

test("the parts of a file are one note: of the first one its text, of the newest what came of it, of all the rows", () => {
  using on = new Direct();
  const part = (change: Partial<AuditNote>, count: number): Uint8Array =>
    audit({
      kind: "note",
      note: {
        ...NOTE,
        ...change,
        run: { id: "r1", file: "shop.sql", count },
      },
    });
  const sql = "SELECT n, idx, at, note FROM _hql_audit ORDER BY n";
  const noted = () => on.rows(sql).map((row) => JSON.parse(row[3] as string));
  on.batch([
    part({ detail: "first", rows: 500, did: 50 }, 500),
    audit({ kind: "note", note: NOTE }),
    part({ detail: "second", rows: 2, did: 52 }, 500),
    // Sent again, since nobody heard the answer.
    part({ detail: "second", rows: 2, did: 52 }, 500),
    part({ outcome: "constraint", rows: null, did: null, nodeId: 3 }, 0),
  ]);
  const run = { id: "r1", file: "shop.sql", count: 1000 };
  assert.deepEqual(noted(), [NOTE, {
    ...NOTE,
    ...{
      detail: "first",
      outcome: "constraint",
      rows: 502,
      did: 52,
      nodeId: 3,
    },
    run,
  }]);
  assert.deepEqual(on.rows(sql).map(([n, idx]) => [n, idx]), [[2, 2], [3, 5]]);
  // Nobody else's note is changed by it.
  on.batch([
    part({ address: "10.0.0.8" }, 1),
    part({ role: "viewer", action: "export" }, 1),
    part({ action: "import" }, 1),
  ]);
  assert.equal(noted().length, 5);
  on.batch(Array<Uint8Array>(100).fill(audit({ kind: "note", note: NOTE })));
  on.batch([part({ did: 99 }, 1)]);
  assert.equal(noted().at(-1).run.count, 1);
});

test("an entry that asks for something else than that is malformed", () => {
  const wrong: unknown[] = [
    { kind: "note", note: { ...NOTE, role: "root" } },
    { kind: "note", note: { ...NOTE, detail: "x".repeat(1001) } },
    { kind: "note", note: { ...NOTE, more: 1 } },
    { kind: "note", note: NOTE, more: 1 },
    { kind: "note", note: { ...NOTE, run: { id: "a b", file: "", count: 1 } } },
    { kind: "note", note: { ...NOTE, run: { id: "a", file: "", count: -1 } } },
    { kind: "note", note: { ...NOTE, run: { id: "a", count: 1 } } },
    {
      kind: "note",
      note: { ...NOTE, run: { id: "a", file: "x".repeat(201), count: 1 } },
    },
    { kind: "end", session: "a b", untilMs: 1, note: NOTE },
    { kind: "end", session: "a", untilMs: -1, note: NOTE },
    { kind: "spend", nonce: "", untilMs: 1, note: NOTE },
    { kind: "gone" },
    7,
  ];
  for (const operation of wrong) {
    const { body } = decodeEnvelope(audit(operation as AuditOperation));
    assert.throws(() => decodeCommand(body), MalformedBytesError);
  }
  const { body } = decodeEnvelope(audit(end("a", 1)));
  assert.deepEqual(decodeCommand(body), {
    kind: "audit",
    operation: end("a", 1),
  });
});
