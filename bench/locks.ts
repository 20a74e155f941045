import type { Child } from "./child.ts";
import type { Cluster } from "./cluster.ts";
import { median, round, type Timing, UNBOUNDED } from "./load.ts";
import type { BenchOptions } from "./options.ts";

const ROUNDS = 3;
const WAITERS = 1_000;
const HANDOVERS = 100;
const TABLE = "CREATE TABLE IF NOT EXISTS touched (x)";
const TOUCH = "INSERT INTO touched VALUES (1)";
/** Until somebody who asked waits in the queue, ms. */
const QUEUED_MS = 30;

/** What locks cost beside single inserts, all of one run. */
export interface LockTimings {
  /** Lock and unlock by one client, through the leader and through a follower, in single inserts by the same. */
  readonly leader: { readonly ratio: number; readonly insertMs: number };
  readonly follower: { readonly ratio: number; readonly insertMs: number };
  /** From one member's client to another's, ms, and an insert through a follower that was as idle. */
  readonly handover: { readonly ms: number; readonly insertMs: number };
  /** Processor time of all three processes in a second with nobody waiting, and with 1,000 who wait, ms. */
  readonly idle: { readonly none: number; readonly waiting: number };
}

/** From one client's release to the other's lock, ms, and in turns with it an insert at a member that was as idle before: the medians. */
async function handedOver(
  one: Child,
  other: Child,
  third: Child,
): Promise<LockTimings["handover"]> {
  let [holder, waiter] = [one, other];
  const times: number[] = [];
  const inserts: number[] = [];
  const pause = (): Promise<void> =>
    new Promise((resolve) => setTimeout(resolve, QUEUED_MS));
  await holder.ask("execute", { sql: TABLE });
  await holder.ask("take");
  for (let i = 0; i < HANDOVERS; i++) {
    const got = waiter.ask("take");
    await pause();
    const before = performance.now();
    // Who waits has its hands full.
    await third.ask("execute", { sql: TOUCH });
    inserts.push(performance.now() - before);
    await pause();
    const begun = performance.now();
    void holder.ask("give");
    await got;
    times.push(performance.now() - begun);
    [holder, waiter] = [waiter, holder];
  }
  await holder.ask("give");
  return { ms: round(median(times)), insertMs: round(median(inserts)) };
}

/** Measures locks and inserts in turns. */
export async function measureLocks(
  { ms }: BenchOptions,
  cluster: Cluster,
): Promise<LockTimings> {
  const { leader, follower } = await cluster.roles();
  const load = { concurrency: 1, ms, calls: UNBOUNDED };
  const compared = async (child: Child) => {
    const ratios: number[] = [];
    let insertMs = 0;
    for (let i = 0; i < ROUNDS; i++) {
      const inserts = await child.ask<Timing>("singles", load);
      const locks = await child.ask<Timing>("lockAndUnlock", load);
      insertMs = inserts.p50 / 1000;
      ratios.push(locks.p50 / inserts.p50);
    }
    return { ratio: round(median(ratios)), insertMs: round(insertMs) };
  };
  const measured = {
    leader: await compared(leader),
    follower: await compared(follower),
  };
  const third = cluster.children.find((child) =>
    child !== leader && child !== follower
  )!;
  const handover = await handedOver(leader, follower, third);
  const idleMs = async (): Promise<number> => {
    const spent = async (): Promise<number> => {
      const each = cluster.children.map((child) => child.ask<number>("cpu"));
      return (await Promise.all(each)).reduce((sum, one) => sum + one, 0);
    };
    const before = await spent();
    await new Promise((resolve) => setTimeout(resolve, ms));
    return round((await spent() - before) / 1000 / (ms / 1000));
  };
  const none = await idleMs();
  await follower.ask("beginWaiting", { count: WAITERS });
  const waiting = await idleMs();
  await follower.ask("endWaiting");
  return {
    ...measured,
    handover,
    idle: { none, waiting },
  };
}
