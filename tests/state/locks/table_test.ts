import assert from "node:assert/strict";
import { CLAIM_MS } from "../../../src/state/locks/table.ts";
import { LOCK_LIMITS } from "../../../src/state/locks/types.ts";
import { Scene } from "./scene.ts";

Deno.test("a free lock is granted at once, and its token is the index of the granting entry", () => {
  const scene = new Scene();
  const lease = scene.open();
  assert.equal(scene.granted("job", lease), scene.index);
  assert.deepEqual(scene.take(), [
    `${scene.index} granted job ${scene.index} ${scene.index}`,
  ]);
});

Deno.test("a waiter's token is the index of the entry that granted, not of the one that asked", () => {
  const scene = new Scene();
  const lease = scene.open();
  const token = scene.granted("job", lease);
  const ticket = scene.waiting("job", lease);
  scene.pass();
  assert.equal(scene.release("job", token), true);
  const granting = scene.index;
  assert.deepEqual(scene.take().slice(-2), [
    `${granting} released job ${token} ${token}`,
    `${granting} granted job ${ticket} ${granting}`,
  ]);
  assert.deepEqual(scene.claim("job", ticket), {
    kind: "granted",
    token: granting,
    lease,
    ttlMs: 10_000,
  });
});

Deno.test("waiters get the lock in the order in which they came, and a try never overtakes", () => {
  const scene = new Scene();
  const lease = scene.open();
  let token = scene.granted("job", lease);
  const tickets = [1, 2, 3].map(() => scene.waiting("job", lease));
  for (const ticket of tickets) {
    assert.deepEqual(scene.acquire("job", lease, { waitMs: 0 }), {
      kind: "held",
      owner: "me",
      waiting: 3 - tickets.indexOf(ticket),
    });
    scene.take();
    scene.release("job", token);
    assert.match(scene.take().at(-1)!, new RegExp(`granted job ${ticket} `));
    token = (scene.claim("job", ticket) as { token: number }).token;
  }
  scene.release("job", token);
  assert.equal(scene.acquire("job", lease, { waitMs: 0 }).kind, "granted");
});

Deno.test("a grant that nobody claims is passed on after 5 s, or after the lease's time if that is less", () => {
  for (const [ttlMs, reserved] of [[60_000, CLAIM_MS], [2_000, 2_000]]) {
    const scene = new Scene();
    const alive = scene.open(LOCK_LIMITS.ttlMsMax);
    const token = scene.granted("job", alive);
    const dead = scene.waiting("job", scene.open(ttlMs));
    const next = scene.waiting("job", alive);
    scene.release("job", token);
    scene.take();
    scene.pass(reserved! - 1);
    assert.deepEqual(scene.take(), []);
    scene.pass(1);
    const told = scene.take().map((line) =>
      line.split(" ").slice(1, 4).join(" ")
    );
    assert.deepEqual(told, [`expired job ${dead}`, `granted job ${next}`]);
    assert.equal(scene.claim("job", dead).kind, "lost");
  }
});

Deno.test("a lease that is not renewed ends with all its locks; a late release finds nothing", () => {
  const scene = new Scene();
  const [one, other] = [scene.open(1_000), scene.open(50_000)];
  const token = scene.granted("job", one);
  const ticket = scene.waiting("job", other);
  const gone = scene.waiting("job", one);
  scene.pass(999);
  assert.equal(scene.table.holds({ name: "job", token }), true);
  scene.take();
  scene.pass(1);
  assert.equal(scene.table.holds({ name: "job", token }), false);
  assert.deepEqual(
    scene.take().map((line) => line.split(" ").slice(1, 4).join(" ")).sort(),
    [`expired job ${token}`, `gone job ${gone}`, `granted job ${ticket}`]
      .sort(),
  );
  assert.equal(scene.release("job", token), false);
  assert.equal(scene.do({ kind: "renew", lease: one }).kind, "lost");
});

Deno.test("a renewed lease keeps all its locks, and each renewal counts from its entry", () => {
  const scene = new Scene();
  const lease = scene.open(1_000);
  const tokens = ["a", "b", "c"].map((name) => scene.granted(name, lease));
  for (let i = 0; i < 10; i++) {
    scene.pass(900);
    assert.deepEqual(scene.do({ kind: "renew", lease }), {
      kind: "leased",
      lease,
      ttlMs: 1_000,
      clockMs: scene.clockMs,
    });
  }
  for (const [i, name] of ["a", "b", "c"].entries()) {
    assert.ok(scene.table.holds({ name, token: tokens[i]! }));
  }
});

Deno.test("who asks for a lock renews its lease by that", () => {
  const scene = new Scene();
  const lease = scene.open(1_000);
  scene.pass(900);
  const token = scene.granted("job", lease);
  scene.pass(900);
  assert.equal(scene.table.holds({ name: "job", token }), true);
});

Deno.test("what is dead counts as dead before it is swept", () => {
  const scene = new Scene();
  const crowd = scene.open(1_000);
  for (let i = 0; i < 400; i++) scene.granted(`other ${i}`, crowd);
  const late = scene.open(1_000);
  const token = scene.granted("job", late);
  const alive = scene.open(50_000);
  const waiting = scene.waiting("job", alive);
  scene.clockMs += 1_000;
  // The sweep of this entry does not get as far as the second lease.
  assert.equal(scene.do({ kind: "renew", lease: late }).kind, "lost");
  assert.equal(scene.rows.lease(late) !== null, true);
  assert.equal(scene.table.holds({ name: "job", token }), false);
  assert.equal(scene.claim("job", waiting).kind, "granted");
  assert.equal(scene.release("job", token), false);
});

Deno.test("an entry sweeps 256 things at most, and the next ones go on", () => {
  const scene = new Scene();
  const lease = scene.open(1_000);
  for (let i = 0; i < 600; i++) scene.granted(`lock ${i}`, lease);
  scene.take();
  const swept: number[] = [];
  scene.pass(1_000);
  for (let i = 0; i < 4; i++) {
    swept.push(scene.take().length);
    scene.pass();
  }
  assert.deepEqual(swept, [256, 256, 88, 0]);
  assert.equal(scene.rows.nextDueMs, Infinity);
});

Deno.test("a semaphore gives no more than its permits", () => {
  const scene = new Scene();
  const lease = scene.open();
  const few = (permits: number) => ({ permits, limit: 5 });
  const three = scene.granted("pool", lease, few(3));
  const two = scene.granted("pool", lease, few(2));
  const four = scene.waiting("pool", lease, few(4));
  const one = scene.waiting("pool", lease, few(1));
  scene.take();
  scene.release("pool", two);
  // Two are free, and the one that wants one stands behind the one that wants four.
  assert.equal(scene.take().length, 1);
  const tries = scene.acquire("pool", lease, { ...few(1), waitMs: 0 });
  assert.equal(tries.kind, "held");
  scene.release("pool", three);
  assert.deepEqual(
    scene.take().map((line) => line.split(" ").slice(1, 4).join(" ")),
    [`released pool ${three}`, `granted pool ${four}`, `granted pool ${one}`],
  );
  assert.deepEqual(scene.acquire("pool", lease, { limit: 4, permits: 1 }), {
    kind: "mismatch",
    limit: 5,
  });
});

Deno.test("tokens of one entry's grants differ, and those of later entries are larger", () => {
  const scene = new Scene();
  const lease = scene.open();
  const writer = scene.granted("doc", lease);
  const readers = [1, 2, 3, 4, 5, 6].map(() =>
    scene.waiting("doc", lease, { permits: 1 })
  );
  scene.take();
  scene.release("doc", writer);
  const granting = scene.index;
  const tokens = scene.take().slice(1).map((line) =>
    Number(line.split(" ").at(-1))
  );
  assert.deepEqual(tokens, readers.map((_, at) => granting + at));
  assert.equal(scene.do({ kind: "end", lease }).kind, "released");
  const other = scene.open();
  const next = scene.granted("doc", other);
  assert.ok(next > tokens.at(-1)!, `${next} after ${tokens.at(-1)}`);
});

Deno.test("a writer gets in though readers come all the time", () => {
  const scene = new Scene();
  const lease = scene.open();
  let reader = scene.granted("doc", lease, { permits: 1 });
  const writer = scene.waiting("doc", lease);
  const later = scene.waiting("doc", lease, { permits: 1 });
  scene.take();
  scene.release("doc", reader);
  assert.match(scene.take().at(-1)!, new RegExp(`granted doc ${writer} `));
  reader = (scene.claim("doc", writer) as { token: number }).token;
  scene.release("doc", reader);
  assert.match(scene.take().at(-1)!, new RegExp(`granted doc ${later} `));
});

Deno.test("a cancelled ticket is skipped, and gives back what it was granted meanwhile", () => {
  const scene = new Scene();
  const lease = scene.open();
  const token = scene.granted("job", lease);
  const [first, second, third] = [1, 2, 3].map(() =>
    scene.waiting("job", lease)
  );
  const cancel = (ticket: number) =>
    scene.do({ kind: "cancel", name: "job", ticket });
  assert.deepEqual(cancel(first!), { kind: "released", found: true });
  scene.release("job", token);
  scene.take();
  assert.deepEqual(cancel(second!), { kind: "released", found: true });
  assert.match(scene.take().at(-1)!, new RegExp(`granted job ${third} `));
  assert.deepEqual(cancel(second!), { kind: "released", found: false });
});

Deno.test("a waiter whose time is over is gone, and does not hold up who stands behind it", () => {
  const scene = new Scene();
  const lease = scene.open(LOCK_LIMITS.ttlMsMax);
  scene.granted("pool", lease, { permits: 1, limit: 2 });
  const large = scene.waiting("pool", lease, {
    permits: 2,
    limit: 2,
    waitMs: 500,
  });
  const small = scene.waiting("pool", lease, { permits: 1, limit: 2 });
  scene.take();
  scene.pass(500);
  assert.deepEqual(
    scene.take().map((line) => line.split(" ").slice(1, 4).join(" ")),
    [`gone pool ${large}`, `granted pool ${small}`],
  );
});

Deno.test("a lease that was opened with a lock lasts while it waits, and ends with it", () => {
  const scene = new Scene();
  const token = scene.granted("job", scene.open(50_000));
  const own = { ttlMs: 1_000, owner: "curl" };
  const ticket = scene.waiting("job", own, { waitMs: 20_000 });
  scene.pass(19_000);
  scene.release("job", token);
  const claimed = scene.claim("job", ticket) as { token: number };
  assert.equal(scene.table.holds({ name: "job", token: claimed.token }), true);
  scene.pass(900);
  assert.equal(
    scene.do({ kind: "extend", name: "job", token: claimed.token }).kind,
    "leased",
  );
  scene.pass(900);
  assert.equal(scene.release("job", claimed.token), true);
  assert.equal(scene.rows.sizes.leases, 1);
});

Deno.test("a lock needs a lease that lives, and there is a bound of everything", () => {
  const scene = new Scene();
  assert.equal(scene.acquire("job", 7).kind, "lost");
  const lease = scene.open(LOCK_LIMITS.ttlMsMax);
  scene.granted("job", lease);
  for (let i = 0; i < LOCK_LIMITS.waitersOfLock; i++) {
    scene.rows.addWaiter({
      name: "job",
      ticket: 1_000 + i,
      lease,
      permits: 1,
      limit: 1,
      untilMs: 10 ** 9,
      value: "",
    });
  }
  assert.deepEqual(scene.acquire("job", lease), {
    kind: "full",
    what: "waitersOfLock",
  });
  assert.equal(scene.granted("another", lease), scene.index);
});
