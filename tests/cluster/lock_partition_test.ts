import assert from "node:assert/strict";
import type { Client } from "../../src/client/client.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { eventually } from "../client/eventually.ts";
import type { Lock } from "../../src/client/locks/lock.ts";
import { TestCluster } from "./harness.ts";
import { LockClients } from "./lock_clients.ts";
import { cutBoth } from "./network.ts";
import { LoopbackNetwork } from "./loopback.ts";

/** HQL_TEST_PARTITIONS=200 is the whole of it: it takes ten minutes. */
const PARTITIONS = Number(Deno.env.get("HQL_TEST_PARTITIONS") ?? 4);
/** A client renews in time also where the machine is busy with other tests, ms. */
const TTL_MS = 2_000;
/** A holder hears of it a tenth of that before its lease is over, ms. */
const AHEAD_MS = TTL_MS / 10;

/** The last entry that any of these members has heard of. */
async function lastIndex(clients: readonly Client[]): Promise<number> {
  const seen = await Promise.all(
    clients.map(async (client) => (await client.cluster()).lastIndex),
  );
  return Math.max(...seen);
}

/** One round: a member that is cut off, the others, and clients. */
interface Round {
  readonly where: string;
  readonly cluster: TestCluster;
  /** Of the member that is cut off. */
  readonly holder: Client;
  /** Of one of the others. */
  readonly other: Client;
  /** Of all the others. */
  readonly rest: readonly Client[];
  cut(): Promise<void>;
}

async function inRounds(run: (round: Round) => Promise<void>): Promise<void> {
  const seed = Date.now() % 1_000_000;
  const random = new SeededRandom(seed);
  await using cluster = await TestCluster.start({
    network: new LoopbackNetwork({ nodes: 3, proxied: true }),
  });
  await using remote = new LockClients(cluster);
  const clients = cluster.nodes.map((node) => remote.of(node));
  for (let round = 0; round < PARTITIONS; round++) {
    const off = randomBetween(random, 1, 4);
    const others = cluster.nodes.filter((node) => node !== off);
    await run({
      where: `seed ${seed}, round ${round}`,
      cluster,
      holder: clients[off - 1]!,
      other: remote.of(...others),
      rest: others.map((node) => clients[node - 1]!),
      cut: async () => {
        for (const other of others) await cutBoth(cluster.network, off, other);
      },
    });
    await cluster.network.heal();
    await cluster.waitReady();
  }
}

/** What was seen when the signal of a lock fired. */
interface Seen {
  /** The last entry then, or a later one: no smaller than what existed at the signal. */
  readonly last: number;
  /** How long it took to ask for it, ms. */
  readonly tookMs: number;
}

function heard(lock: Lock, rest: readonly Client[]): Promise<Seen> {
  const signalled = Promise.withResolvers<Seen>();
  const look = (): void => {
    assert.throws(() => lock.check(), { code: "lock_lost" });
    const begun = performance.now();
    lastIndex(rest).then(
      (last) => signalled.resolve({ last, tookMs: performance.now() - begun }),
      signalled.reject,
    );
  };
  if (lock.signal.aborted) look();
  else lock.signal.addEventListener("abort", look);
  return signalled.promise;
}

/** The next one has the lock: whoever had it before has heard that it is lost. */
async function assertHeard(
  { where }: Round,
  lock: Lock,
  signalled: Promise<Seen>,
  next: Lock,
): Promise<void> {
  assert.ok(
    lock.signal.aborted,
    `${where}: the next has it, and the signal is silent`,
  );
  const { last, tookMs } = await signalled;
  // Where asking took longer than that, the grant may have come while it was asked.
  assert.ok(
    last < next.token || tookMs > AHEAD_MS / 2,
    `${where}: entry ${last} existed at the signal, and the next token is ${next.token}`,
  );
}

Deno.test(`a holder that is cut off hears of it before the next grant exists (${PARTITIONS} times)`, async () => {
  await inRounds(async (round) => {
    const { cluster, holder, other, rest, cut } = round;
    const lock = await holder.lock("job", { ttlMs: TTL_MS, waitMs: 60_000 });
    const signalled = heard(lock, rest);
    await cut();
    const next = await other.lock("job", {
      ttlMs: 60_000,
      waitMs: 60_000,
    });
    await assertHeard(round, lock, signalled, next);
    await cluster.network.heal();
    assert.equal(await lock.release().catch(() => false), false);
    await next.release();
  });
});

Deno.test(`who waited and is cut off as soon as it has the lock hears that it is lost before the next grant exists (${PARTITIONS} times)`, async () => {
  await inRounds(async (round) => {
    const { holder, other, rest, cut } = round;
    const first = await other.lock("job", { ttlMs: 60_000 });
    const waits = holder.lock("job", { ttlMs: TTL_MS, waitMs: 60_000 });
    await queued(other, 1);
    const behind = other.lock("job", { ttlMs: 60_000, waitMs: 60_000 });
    await queued(other, 2);
    void first.release();
    const lock = await waits;
    const signalled = heard(lock, rest);
    await cut();
    const next = await behind;
    await assertHeard(round, lock, signalled, next);
    await next.release();
  });
});

/** Until so many wait for the lock. */
async function queued(client: Client, count: number): Promise<void> {
  await eventually(async () => {
    const [state] = await client.locks("job");
    assert.equal(state?.waiting, count);
  });
}
