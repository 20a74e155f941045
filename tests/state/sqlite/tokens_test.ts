import assert from "node:assert/strict";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { decodeTokenAnswer } from "../../../src/state/tokens/codec.ts";
import {
  type ApiToken,
  TOKEN_LIMITS,
  type TokenAnswer,
  type TokenOperation,
  type TokenWish,
} from "../../../src/state/tokens/types.ts";
import { validateTokenOperation } from "../../../src/state/tokens/validate.ts";
import { settled } from "../machine_calls.ts";
import { Direct } from "./direct.ts";
import { test } from "./drivers.ts";
import { command, type Rest, START_MS, Subject } from "./subject.ts";
import { transfer } from "./transfer.ts";

function wish(number: number, rest: Partial<TokenWish> = {}): TokenWish {
  return {
    id: number.toString(16).padStart(16, "0"),
    digest: new Uint8Array(32).fill(number % 256),
    name: `token ${number}`,
    scope: "read",
    caches: null,
    expiresMs: null,
    ...rest,
  };
}

function create(wish: TokenWish): TokenOperation {
  return { kind: "create", wish };
}

function token(operation: TokenOperation, rest: Rest = {}): Uint8Array {
  return command({ kind: "token", operation }, rest);
}

function ask(
  on: Direct,
  operation: TokenOperation,
  rest: Rest = {},
): TokenAnswer {
  const [answer] = on.batch([token(operation, rest)]);
  return decodeTokenAnswer(decodeAnswer(answer!).body);
}

const LIMITED = wish(7, {
  name: "ä 🐟",
  scope: "write",
  caches: ["a", "b.c"],
  expiresMs: START_MS + 5,
});

test("tokens are made and taken back by entries, which say what they did", () => {
  using on = new Direct();
  assert.deepEqual(on.applier.tokens, []);
  assert.deepEqual(ask(on, create(LIMITED)), {
    kind: "created",
    createdMs: START_MS,
  });
  ask(on, create(wish(3)), { timeMs: START_MS + 1 });
  assert.deepEqual(on.applier.tokens, [
    { ...wish(3), createdMs: START_MS + 1 },
    { ...LIMITED, createdMs: START_MS },
  ]);
  const { id } = LIMITED;
  assert.deepEqual(ask(on, { kind: "revoke", id }), {
    kind: "revoked",
    found: true,
  });
  assert.deepEqual(ask(on, { kind: "revoke", id }), {
    kind: "revoked",
    found: false,
  });
  assert.deepEqual(on.applier.tokens.map(({ id }) => id), [wish(3).id]);
});

test("a token that is asked for twice is there once, and no other takes its id", () => {
  using on = new Direct();
  ask(on, create(LIMITED));
  assert.deepEqual(ask(on, create(LIMITED), { timeMs: START_MS + 9 }), {
    kind: "created",
    createdMs: START_MS,
  });
  const others: Partial<TokenWish>[] = [
    { digest: new Uint8Array(32) },
    { name: "other" },
    { scope: "read" },
    { caches: ["a"] },
    { caches: null },
    { expiresMs: null },
  ];
  for (const other of others) {
    assert.deepEqual(ask(on, create({ ...LIMITED, ...other })), {
      kind: "taken",
    });
  }
  assert.deepEqual(on.applier.tokens, [{ ...LIMITED, createdMs: START_MS }]);
});

test("there are 1,000 tokens and no more, until one is revoked", () => {
  using on = new Direct();
  const wishes = Array.from(
    { length: TOKEN_LIMITS.tokens },
    (_, at) => token(create(wish(at))),
  );
  on.batch(wishes);
  assert.equal(on.applier.tokens.length, 1_000);
  assert.deepEqual(ask(on, create(wish(5_000))), { kind: "full" });
  assert.deepEqual(ask(on, create(wish(5))).kind, "created");
  ask(on, { kind: "revoke", id: wish(5).id });
  assert.deepEqual(ask(on, create(wish(5_000))).kind, "created");
  assert.equal(on.applier.tokens.length, 1_000);
});

test("what an open transaction does to the tokens is not known before it is committed, and never if it is rolled back", () => {
  using on = new Direct();
  ask(on, create(wish(1)));
  const before = on.applier.tokens;
  const payloads = [
    token(create(wish(2))),
    token({ kind: "revoke", id: wish(1).id }),
  ];
  on.prepare(payloads);
  assert.equal(on.applier.tokens, before);
  on.rollbackPrepared();
  assert.equal(on.applier.tokens, before);
  // The second attempt finds the first one undone.
  on.prepare(payloads);
  on.commitPrepared();
  assert.deepEqual(on.applier.tokens.map(({ id }) => id), [wish(2).id]);
  using follower = new Direct();
  ask(follower, create(wish(1)));
  follower.batch(payloads);
  assert.deepEqual(follower.applier.tokens, on.applier.tokens);
  assert.equal(follower.applier.position.hash, on.applier.position.hash);
});

test("no SQL of users sees or changes tokens", () => {
  using on = new Direct();
  ask(on, create(LIMITED));
  on.ok("CREATE TABLE t (x)");
  for (
    const sql of [
      "INSERT INTO t SELECT hex(digest) FROM _hql_tokens",
      "INSERT INTO t SELECT hex(digest) FROM main._HQL_tokens",
      "DELETE FROM _hql_tokens",
      "UPDATE _hql_tokens SET scope = 'admin'",
      "INSERT INTO _hql_tokens VALUES ('a', x'00', 'n', 'admin', NULL, NULL, 0)",
      "CREATE VIEW v AS SELECT * FROM _hql_tokens",
      "CREATE TRIGGER g AFTER INSERT ON _hql_tokens BEGIN SELECT 1; END",
      "CREATE VIRTUAL TABLE f USING fts5(digest, content='_hql_tokens', content_rowid='id')",
      "DROP TABLE _hql_tokens",
      "ALTER TABLE _hql_tokens RENAME TO t2",
    ]
  ) on.fail(sql);
  // What is in a trigger is looked at when it is compiled into a statement.
  on.ok(
    "CREATE TRIGGER g AFTER INSERT ON t BEGIN UPDATE _hql_tokens SET scope = 'admin'; END",
  );
  on.fail("INSERT INTO t VALUES (1)");
  assert.deepEqual(on.rows("SELECT * FROM t"), []);
  assert.deepEqual(on.applier.tokens, [{ ...LIMITED, createdMs: START_MS }]);
});

test("the members' machine knows its tokens at once, after a restart, and from a snapshot", async () => {
  await using on = await Subject.open();
  await using other = await Subject.open();
  const expected: ApiToken[] = [{ ...LIMITED, createdMs: START_MS }];
  assert.deepEqual(on.machine.tokens, []);
  await on.applyEntries(on.entries([token(create(LIMITED))]));
  assert.deepEqual(on.machine.tokens, expected);
  const known = on.machine.tokens;
  await on.execute("CREATE TABLE t (x)");
  assert.equal(on.machine.tokens, known);
  await assert.rejects(on.machine.query({ sql: "SELECT * FROM _hql_tokens" }), {
    code: "forbidden",
  });
  assert.throws(() => on.rows("SELECT digest FROM _hql_tokens"), {
    code: "forbidden",
  });
  await on.applyEntries(
    on.entries([
      token(create(wish(2))),
      token({ kind: "revoke", id: wish(2).id }),
    ]),
  );
  await on.restart();
  assert.deepEqual(on.machine.tokens, expected);
  // One that the snapshot does not have is gone.
  await other.applyEntries(other.entries([token(create(wish(1)))]));
  const snapshot = await on.snapshot();
  const sink = await transfer(snapshot, other);
  await settled((done) => sink.finish(snapshot, done));
  await settled((done) => other.machine.install(snapshot.last, done));
  assert.deepEqual(other.machine.tokens, expected);
  await other.restart();
  assert.deepEqual(other.machine.tokens, expected);
});

test("a wish that cannot be meant is refused before it is proposed", () => {
  const good = { kind: "create", wish: LIMITED } as const;
  validateTokenOperation(good);
  validateTokenOperation({ kind: "revoke", id: LIMITED.id });
  const wrong: readonly (readonly [object, RegExp])[] = [
    [{ id: "0" }, /^The token's id: expected 16 hexadecimal digits/],
    [{ id: "ABCDEF0123456789" }, /16 hexadecimal digits/],
    [{ digest: new Uint8Array(31) }, /^sha256: expected 32 bytes/],
    [{ name: "" }, /^name: has 0 characters, expected 1 to 128/],
    [{ name: "🐟".repeat(129) }, /^name: has 129 characters/],
    [{ name: "a\nb" }, /^name: holds control characters/],
    [{ name: "\ud800" }, /half of a surrogate pair/],
    [{ name: 1 }, /^name: expected a text, got number/],
    [{ scope: "root" }, /^scope: expected read, write, admin/],
    [{ caches: [] }, /^caches: expected 1 to 32 names/],
    [{ caches: "a" }, /^caches: expected 1 to 32 names/],
    [{ caches: Array.from({ length: 33 }, (_, i) => `c${i}`) }, /1 to 32/],
    [{ caches: ["a", "a"] }, /^caches: a name is there twice/],
    [{ caches: [".."] }, /^caches: Not a name of a cache/],
    [{ caches: [7] }, /^caches: Not a name of a cache/],
    [{ scope: "admin" }, /^caches: a token with the scope admin cannot/],
    [{ expiresMs: 0 }, /^expires_at: expected ms since 1970, got 0/],
    [{ expiresMs: 1.5 }, /^expires_at: /],
  ];
  for (const [fields, message] of wrong) {
    const operation = { ...good, wish: { ...LIMITED, ...fields } };
    assert.throws(
      () => validateTokenOperation(operation as TokenOperation),
      (error: { code: string; message: string }) =>
        error.code === "invalid" && message.test(error.message),
      JSON.stringify(fields),
    );
  }
  const longest = { ...LIMITED, name: "🐟".repeat(128) };
  validateTokenOperation({ kind: "create", wish: longest });
});
