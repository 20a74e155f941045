import assert from "node:assert/strict";
import { ClientLease } from "../../src/client/locks/lease.ts";
import { HiqliteError } from "../../src/errors.ts";
import { LockSession } from "../../src/client/locks/lock_session.ts";
import type { Transport } from "../../src/client/transport.ts";

const TTL_MS = 1_000;

/** A cluster that answers renewals after so long; null: never. Says when it was sent one that it answers. */
function answering(
  delays: (number | null)[],
  sent: () => void = () => {},
): Transport {
  return {
    async call(_route: unknown, request: { operation: { kind: string } }) {
      if (request.operation.kind === "renew") {
        const delay = delays.shift() ?? null;
        if (delay === null) return await new Promise(() => {});
        sent();
        await new Promise((resolve) => setTimeout(resolve, delay));
      }
      return {
        index: 1,
        answer: { kind: "leased", lease: 5, ttlMs: TTL_MS, clockMs: 0 },
      };
    },
  } as unknown as Transport;
}

/**
 * When a lease was lost, ms after it was opened, or after the last renewal that is answered was sent; and whether that
 * came before a timer of this process for `withinMs`, which is late where the lease's own are.
 */
async function lostAfter(
  delays: (number | null)[],
  withinMs: number,
): Promise<{ readonly ms: number; readonly inTime: boolean }> {
  let begun = 0;
  let inTime = true;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const begin = (): void => {
    clearTimeout(timer);
    begun = performance.now();
    timer = setTimeout(() => inTime = false, withinMs);
  };
  begin();
  const cluster = answering(delays, begin);
  const lease = await ClientLease.open(cluster, TTL_MS, "tests");
  return await new Promise((resolve) =>
    lease.use((error) => {
      clearTimeout(timer);
      assert.equal(error.code, "lock_lost");
      assert.equal(lease.lives, false);
      resolve({ ms: performance.now() - begun, inTime });
    })
  );
}

Deno.test("a lease that is not renewed is lost a tenth before its time is over", async () => {
  const { ms, inTime } = await lostAfter([null], 990);
  assert.ok(ms >= 890 && inTime, `${ms} ms`);
});

Deno.test("a lease counts from when its last renewal was sent, not from the answer", async () => {
  // It is answered half a second after it was sent.
  const { ms, inTime } = await lostAfter([500, null], 1_150);
  assert.ok(ms >= 890 && inTime, `${ms} ms`);
});

Deno.test("a process that could not run knows that its lease is over as soon as it asks", async () => {
  const lease = await ClientLease.open(answering([null]), 200, "tests");
  const lost: string[] = [];
  lease.use(({ code }) => void lost.push(code));
  const until = performance.now() + 250;
  while (performance.now() < until);
  assert.deepEqual(lost, []);
  assert.equal(lease.lives, false);
  assert.deepEqual(lost, ["lock_lost"]);
  assert.equal(lease.failure?.code, "lock_lost");
});

const LOST = {
  lock_lost:
    "a place in the queue that was lost is asked for again, and costs no other lock",
  lock_held:
    "a wait that ended before its time, as when its request broke off elsewhere, goes on",
} as const;

for (const code of ["lock_lost", "lock_held"] as const) {
  Deno.test(LOST[code], async () => {
    const kinds: string[] = [];
    let token = 7;
    const transport = {
      // deno-lint-ignore require-await
      async call(_route: unknown, request: Record<string, { kind: string }>) {
        const kind = request.operation?.kind ?? "acquire";
        kinds.push(kind);
        if (kind === "acquire") {
          if (kinds.filter((each) => each === "acquire").length === 2) {
            throw new HiqliteError(code, "the place in the queue is gone");
          }
          return { token: token++, lease: 5, ttlMs: TTL_MS, index: 9 };
        }
        if (kind === "release") {
          return { index: 1, answer: { kind: "released", found: true } };
        }
        return {
          index: 1,
          answer: { kind: "leased", lease: 5, ttlMs: TTL_MS, clockMs: 0 },
        };
      },
    } as unknown as Transport;
    const session = new LockSession(transport, "tests");
    const options = { ttlMs: TTL_MS };
    const one = await session.lock("one", options);
    const other = await session.lock("other", options);
    assert.deepEqual([one.token, other.token], [7, 8]);
    assert.ok(one.held && !one.signal.aborted);
    assert.deepEqual(kinds, ["open", "acquire", "acquire", "renew", "acquire"]);
    await session.close();
  });
}

/** A request as the fake cluster below sees it. */
interface Seen {
  readonly kind: string;
  readonly key: string | undefined;
}

/** A cluster whose answers to `acquire` and `release` the test decides; all else succeeds. */
class ScriptedCluster {
  readonly seen: Seen[] = [];
  readonly released: number[] = [];
  acquire: (signal: AbortSignal | undefined) => Promise<number> = () =>
    Promise.resolve(7);
  release: () => Promise<void> = () => Promise.resolve();

  get transport(): Transport {
    return {
      call: async (
        _route: unknown,
        request: {
          operation?: { kind: string; token: number };
          idempotencyKey?: string;
        },
        { signal }: { signal?: AbortSignal },
      ) => {
        const kind = request.operation?.kind ?? "acquire";
        this.seen.push({ kind, key: request.idempotencyKey });
        if (kind === "acquire") {
          const token = await this.acquire(signal);
          return { token, lease: 5, ttlMs: LONG_MS, index: 9 };
        }
        if (kind === "release") {
          await this.release();
          this.released.push(request.operation!.token);
          return { index: 1, answer: { kind: "released", found: true } };
        }
        return {
          index: 1,
          answer: { kind: "leased", lease: 5, ttlMs: LONG_MS, clockMs: 0 },
        };
      },
    } as unknown as Transport;
  }

  /** How many requests of a kind there were. */
  count(kind: string): number {
    return this.seen.filter((each) => each.kind === kind).length;
  }
}

/** So long that no renewal falls into a test. */
const LONG_MS = 60_000;

/** Never answers; ends when the caller gives up. */
function silence(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) =>
    signal?.addEventListener("abort", () => reject(signal.reason))
  );
}

/** Waits for what must happen; bounded. */
async function until(happened: () => boolean): Promise<void> {
  for (let tried = 0; !happened(); tried++) {
    assert.ok(tried < 500, "it did not happen within 10 s");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

Deno.test("a lock that could not be given back is given back later, since others renew its lease", async () => {
  const cluster = new ScriptedCluster();
  const session = new LockSession(cluster.transport, "tests");
  const lock = await session.lock("one", { ttlMs: LONG_MS });
  let failures = 2;
  cluster.release = () =>
    failures-- > 0
      ? Promise.reject(new HiqliteError("no_leader", "nobody leads"))
      : Promise.resolve();
  await assert.rejects(lock.release(), { code: "no_leader" });
  await until(() => cluster.released.length === 1);
  assert.deepEqual(cluster.released, [7]);
  assert.equal(cluster.count("release"), 3);
  await session.close();
});

Deno.test("what is owed ends with its lease", async () => {
  const cluster = new ScriptedCluster();
  const session = new LockSession(cluster.transport, "tests");
  const lock = await session.lock("one", { ttlMs: LONG_MS });
  cluster.release = () =>
    Promise.reject(new HiqliteError("no_leader", "nobody leads"));
  await assert.rejects(lock.release(), { code: "no_leader" });
  await session.close();
  // The test runner finds a timer that is left.
});

Deno.test("a request that its caller gave up is asked about by its key, and what it got is given back", async () => {
  const cluster = new ScriptedCluster();
  const session = new LockSession(cluster.transport, "tests");
  cluster.acquire = silence;
  const gone = new AbortController();
  const lock = session.lock("one", { ttlMs: LONG_MS, signal: gone.signal });
  await until(() => cluster.count("acquire") === 1);
  cluster.acquire = () => Promise.resolve(31);
  gone.abort(new Error("nobody wants it"));
  await assert.rejects(lock, /nobody wants it/);
  await until(() => cluster.released.length === 1);
  assert.deepEqual(cluster.released, [31]);
  const keys = cluster.seen.filter(({ kind }) => kind === "acquire");
  assert.equal(keys.length, 2);
  assert.ok(keys[0]!.key !== undefined && keys[0]!.key === keys[1]!.key);
  await session.close();
});

Deno.test("a lock whose answer was lost is not left to its lease", async () => {
  const cluster = new ScriptedCluster();
  const session = new LockSession(cluster.transport, "tests");
  cluster.acquire = () =>
    Promise.reject(new HiqliteError("outcome_unknown", "the link broke"));
  const lock = session.lock("one", { ttlMs: LONG_MS });
  await assert.rejects(lock, { code: "outcome_unknown" });
  cluster.acquire = () => Promise.resolve(31);
  await until(() => cluster.released.length === 1);
  assert.deepEqual(cluster.released, [31]);
  await session.close();
});

Deno.test("a clear refusal leaves nothing to ask about", async () => {
  const cluster = new ScriptedCluster();
  const session = new LockSession(cluster.transport, "tests");
  cluster.acquire = () =>
    Promise.reject(new HiqliteError("lock_held", "somebody has it"));
  const lock = session.lock("one", { ttlMs: LONG_MS, waitMs: 0 });
  await assert.rejects(lock, { code: "lock_held" });
  await session.close();
  assert.equal(cluster.count("acquire"), 1);
});
