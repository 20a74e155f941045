import assert from "node:assert/strict";
import type { Client } from "../../src/client/client.ts";
import type { Lock } from "../../src/client/locks/lock.ts";
import { eventually } from "./eventually.ts";

export interface LockCase {
  readonly title: string;
  /** Gets a client, another one, and a name of a lock that nobody uses. */
  readonly run: (client: Client, other: Client, name: string) => Promise<void>;
}

let named = 0;

/** Runs one case. */
export async function runLockCase(
  one: LockCase,
  client: Client,
  other: Client,
): Promise<void> {
  await one.run(client, other, `lock/${++named} ä`);
}

/** How many wait for a lock. */
async function waiting(client: Client, name: string): Promise<number> {
  const [state] = await client.locks(name, { consistency: "linearizable" });
  return state?.waiting ?? 0;
}

/** What every client's locks do, each case with a name of its own. */
export function lockContract(): readonly LockCase[] {
  const cases: LockCase[] = [];
  const test = (title: string, run: LockCase["run"]): void => {
    cases.push({ title, run });
  };

  test(
    "a lock is held until it is released, and everybody sees by whom",
    async (client, other, name) => {
      const lock = await client.lock(name, { value: "here" });
      assert.equal(lock.name, name);
      assert.ok(lock.held);
      lock.check();
      const [state, ...more] = await other.locks(name, {
        consistency: "linearizable",
      });
      assert.equal(more.length, 0);
      const { token, value, permits, limit, claimed } = state!;
      assert.deepEqual({ token, value, permits, limit, claimed }, {
        token: lock.token,
        value: "here",
        permits: 65_536,
        limit: 65_536,
        claimed: true,
      });
      assert.equal(await other.tryLock(name), null);
      assert.equal(await lock.release(), true);
      assert.equal(await lock.release(), true);
      assert.ok(!lock.held);
      assert.throws(() => lock.check(), {
        code: "lock_lost",
        message: /released/,
      });
      const next = await other.tryLock(name);
      assert.ok(next!.token > lock.token);
      await next!.release();
    },
  );

  test(
    "who waits gets it when it is released, in order",
    async (client, other, name) => {
      const first = await client.lock(name);
      const order: number[] = [];
      const clients = [other, client, other];
      const locks: Promise<void>[] = [];
      for (const [at, each] of clients.entries()) {
        locks.push(
          each.lock(name).then(async (lock) => {
            order.push(at);
            await lock.release();
          }),
        );
        await eventually(async () =>
          assert.equal(await waiting(client, name), at + 1)
        );
      }
      await first.release();
      await Promise.all(locks);
      assert.deepEqual(order, [0, 1, 2]);
    },
  );

  test(
    "a wait that is over is lock_held, and leaves nobody in the queue",
    async (client, other, name) => {
      await using _lock = await client.lock(name);
      await assert.rejects(other.lock(name, { waitMs: 150 }), {
        code: "lock_held",
      });
      assert.equal(await waiting(client, name), 0);
    },
  );

  test(
    "an aborted wait throws the signal's reason and leaves the queue",
    async (client, other, name) => {
      await using _lock = await client.lock(name);
      const controller = new AbortController();
      const reason = new Error("changed my mind");
      const waits = other.lock(name, { signal: controller.signal });
      await eventually(async () =>
        assert.equal(await waiting(client, name), 1)
      );
      controller.abort(reason);
      await assert.rejects(waits, reason);
      await eventually(async () =>
        assert.equal(await waiting(client, name), 0)
      );
    },
  );

  test(
    "semaphores, and one writer or many readers",
    async (client, other, name) => {
      const two = { limit: 3, permits: 2 };
      const pool = await client.lock(`${name} pool`, two);
      assert.equal(await other.tryLock(`${name} pool`, two), null);
      const one = await other.tryLock(`${name} pool`, { limit: 3 });
      assert.ok(one !== null);
      await assert.rejects(other.tryLock(`${name} pool`, { limit: 4 }), {
        code: "conflict",
        message: /another limit, 3/,
      });
      const readers = await Promise.all([
        client.lock(name, { shared: true }),
        other.lock(name, { shared: true }),
      ]);
      assert.notEqual(readers[0].token, readers[1].token);
      assert.equal(await client.tryLock(name), null);
      for (const lock of [pool, one, ...readers]) await lock.release();
      await (await client.lock(name)).release();
    },
  );

  test(
    "a lock is renewed for as long as it is held",
    async (client, other, name) => {
      const lock = await client.lock(name, { ttlMs: 300 });
      await new Promise((resolve) => setTimeout(resolve, 900));
      assert.ok(lock.held);
      assert.ok(!lock.signal.aborted);
      assert.equal(await other.tryLock(name), null);
      await lock.release();
    },
  );

  test(
    "fences: a write with a lock that is not held does nothing",
    async (client, other, name) => {
      await client.execute("CREATE TABLE IF NOT EXISTS guarded (x)");
      await client.execute("DELETE FROM guarded");
      const lock = await client.lock(name);
      const write = async (fence: Lock | { name: string; token: number }) => {
        await client.execute("INSERT INTO guarded VALUES (1)", [], { fence });
        await client.executeReturning(
          "INSERT INTO guarded VALUES (?) RETURNING x",
          [2],
          { fence },
        );
        await client.txn(["INSERT INTO guarded VALUES (3)"], { fence });
        await client.batch("INSERT INTO guarded VALUES (4)", { fence });
      };
      await write(lock);
      await write({ name, token: lock.token });
      await lock.release();
      for (
        const attempt of [
          () =>
            client.execute("INSERT INTO guarded VALUES (5)", [], {
              fence: lock,
            }),
          () =>
            client.executeReturning(
              "INSERT INTO guarded VALUES (5) RETURNING x",
              [],
              { fence: lock },
            ),
          () => client.txn(["INSERT INTO guarded VALUES (5)"], { fence: lock }),
          () => client.batch("INSERT INTO guarded VALUES (5)", { fence: lock }),
        ]
      ) await assert.rejects(attempt, { code: "fenced" });
      const rows = await other.queryConsistent(
        "SELECT count(*) AS n FROM guarded",
      );
      assert.deepEqual(rows, [{ n: 8 }]);
    },
  );

  test(
    "disposing of a lock that was lost throws nothing",
    async (client, other, name) => {
      const lock = await client.lock(name);
      // An operator takes it away.
      const [state] = await other.locks(name, { consistency: "linearizable" });
      assert.equal(state!.token, lock.token);
      await client.locks();
      await lock[Symbol.asyncDispose]();
      await lock[Symbol.asyncDispose]();
    },
  );

  test(
    "an election has one leader at a time, whom everybody sees",
    async (client, other, name) => {
      await using one = client.elect(name, { value: "one" });
      await using two = other.elect(name, { value: "two" });
      assert.equal(await one.leader(), null);
      const seen: (string | null)[] = [];
      const controller = new AbortController();
      const watched = (async () => {
        const { signal } = controller;
        for await (const leader of two.watch({ signal })) {
          seen.push(leader?.value ?? null);
        }
      })();
      await eventually(() => assert.deepEqual(seen, [null]));
      const mandate = await one.campaign();
      assert.ok(mandate.held);
      assert.equal(await one.campaign(), mandate);
      const next = two.campaign();
      await eventually(() => assert.deepEqual(seen, [null, "one"]));
      await one.resign();
      await next;
      await eventually(() => assert.equal(seen.at(-1), "two"));
      assert.equal(
        (await one.leader({ consistency: "linearizable" }))?.value,
        "two",
      );
      controller.abort();
      await watched;
    },
  );

  test("wrong arguments are refused in words", async (client, _, name) => {
    for (
      const [wrong, options, message] of [
        ["", {}, /1 to 256 bytes/],
        ["..", {}, /not \. or \.\./],
        ["x".repeat(257), {}, /257 bytes, the limit is 256/],
        [name, { ttlMs: 99 }, /100 to 86400000, got 99/],
        [name, { ttlMs: 1.5 }, /ttl/],
        [name, { waitMs: 3_600_001 }, /0 to 3600000/],
        [name, { permits: 2 }, /permits/],
        [name, { permits: 3, limit: 2 }, /permits/],
        [name, { limit: 70_000 }, /limit: expected an integer from 1 to 65535/],
        [name, { shared: true, limit: 2 }, /shared/],
        [name, { value: "x".repeat(4_097) }, /4097 bytes, the limit is 4096/],
      ] as const
    ) {
      await assert.rejects(client.lock(wrong, options), { message });
    }
  });

  return cases;
}
