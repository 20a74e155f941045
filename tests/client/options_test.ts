import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";

/** Nothing is sent: what is wrong is found before. */
const db = connect({ urls: ["nowhere"], secret: "secret" });

/** A call with an option that is misspelt; its name. */
const MISSPELT: readonly (readonly [string, () => unknown])[] = [
  ["idempotencykey", () => db.execute("x", [], o({ idempotencykey: "k" }))],
  ["fences", () => db.executeReturning("x", [], o({ fences: 1 }))],
  ["notifies", () => db.txn(["x"], o({ notifies: [] }))],
  ["parms", () => db.txn([{ sql: "x", ...o({ parms: [] }) }])],
  ["notify", () => db.batch("x", o({ notify: [] }))],
  ["fence", () => db.migrate([], o({ fence: 1 }))],
  ["consitency", () => db.query("x", [], o({ consitency: "local" }))],
  ["table", () => db.changes(o({ table: "t" }))],
  ["minInterval", () => db.live("x", [], o({ minInterval: 1 }))],
  ["topic", () => db.listen({ topics: ["t"], ...o({ topic: "t" }) })],
  ["key", () => db.notify("t", 1, o({ key: "k" }))],
  ["ttl", () => db.lock("l", o({ ttl: 1 }))],
  ["waitMs", () => db.tryLock("l", o({ waitMs: 1 }))],
  ["consistent", () => db.locks("l", o({ consistent: true }))],
  [
    "expires",
    () => db.tokens.create({ name: "n", scope: "read", ...o({ expires: 1 }) }),
  ],
  ["wait", () => db.elect("e", o({ wait: 1 }))],
];

/** What a program without types may give. */
function o(options: Readonly<Record<string, unknown>>): object {
  return options;
}

Deno.test("a misspelt option is refused by its name, whatever it is of", async () => {
  for (const [name, call] of MISSPELT) {
    await assert.rejects(
      async () => await call(),
      (error: { code: string; message: string }) =>
        error.code === "invalid" &&
        error.message.startsWith(`There is no option "${name}" here;`),
      name,
    );
  }
});

Deno.test("a consistency that is none is refused, and so are lists that are none", async () => {
  await assert.rejects(db.query("x", [], o({ consistency: "strong" })), {
    code: "invalid",
    message: 'consistency: expected "local" or "linearizable", got "strong"',
  });
  assert.throws(() => db.listen(o({}) as { topics: string[] }), {
    code: "invalid",
    message: "listen: expected a list of topics",
  });
  assert.throws(() => connect(o({ secret: "s" }) as never), {
    code: "invalid",
    message: "urls: expected at least one address",
  });
});

Deno.test("a fence that is none is no write without a fence", async () => {
  for (const fence of [null, "job", { name: "job" }, { name: 1, token: 1 }]) {
    for (
      const write of [
        () => db.execute("x", [], o({ fence })),
        () => db.txn(["x"], o({ fence })),
        () => db.batch("x", o({ fence })),
      ]
    ) {
      await assert.rejects(write, {
        code: "invalid",
        message: /^fence: expected a lock, or { name, token }, got /,
      });
    }
  }
});
