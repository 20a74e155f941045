import assert from "node:assert/strict";
import { Turnstile } from "../../src/server/turnstile.ts";
import { withApp } from "./with_app.ts";

Deno.test("so many pass at once, and of those that wait as many in each window, in order", async () => {
  const turnstile = new Turnstile({ windowMs: 20, perWindow: 2 });
  const passed: number[] = [];
  const all = [1, 2, 3, 4, 5].map((n) => {
    const turn = turnstile.pass();
    if (turn === undefined) passed.push(n);
    return turn?.then(() => passed.push(n));
  });
  assert.deepEqual(passed, [1, 2]);
  await all[3];
  assert.deepEqual(passed, [1, 2, 3, 4]);
  const later = turnstile.pass();
  assert.notEqual(later, undefined, "who waits is before who comes");
  await all[4];
  assert.deepEqual(passed, [1, 2, 3, 4, 5]);
  await later;
});

Deno.test("it is open again when a window has passed in which nobody waited", () => {
  const { now } = performance;
  const turnstile = new Turnstile({ windowMs: 20, perWindow: 1 });
  assert.equal(turnstile.pass(), undefined);
  performance.now = () => now.call(performance) + 20;
  try {
    assert.equal(turnstile.pass(), undefined);
  } finally {
    performance.now = now;
  }
});

Deno.test("a flood of requests without a secret is answered, bit by bit, and keeps none with a secret waiting", () =>
  withApp(async (ask) => {
    let answered = 0;
    const flood = Array.from({ length: 300 }, async (_, n) => {
      const { status } = await ask(n % 2 === 0 ? "/metrics" : "/nowhere");
      answered++;
      return status;
    });
    const { status } = await ask("/api/v1/query", { sql: "SELECT 1" });
    assert.equal(status, 200);
    assert.ok(answered < 300, "the flood waits");
    const statuses = await Promise.all(flood);
    assert.deepEqual(new Set(statuses), new Set([200, 404]));
  }));

Deno.test("of what is long and open to anybody less is answered at once, and what is short does not wait for it", () =>
  withApp(async (ask) => {
    for (const path of ["/openapi.json", "/metrics"]) {
      const answered: string[] = [];
      const noted = (path: string) => async (): Promise<void> => {
        await ask(path);
        answered.push(path);
      };
      const long = Array.from({ length: 25 }, () => noted(path));
      await Promise.all([...long.map((go) => go()), noted("/ping")()]);
      const before = answered.indexOf("/ping");
      assert.ok(before <= 10, `${path}: ${before} were answered before it`);
    }
  }));
