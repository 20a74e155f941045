import type { LocalClient } from "../mod.ts";
import type { Child } from "./child.ts";
import type { Cluster } from "./cluster.ts";
import { type Timing, timing } from "./load.ts";
import type { BenchOptions } from "./options.ts";
import { INSERT, row } from "./workload.ts";

const TOPIC = "bench";

/** What notifications take, in the same run as single inserts. */
export interface EventTimings {
  /** Single inserts through the leader's client. */
  readonly inserts: Timing;
  /** Notifications, until they are answered. */
  readonly notified: Timing;
  /** From before a notification is sent until a listener of a member has it: the leader, then the two others. */
  readonly heard: readonly Timing[];
  /** The same, until the last of the three has it. */
  readonly heardByAll: Timing;
}

/** When something happened, ms; processes of one machine share this clock. */
function now(): number {
  return performance.timeOrigin + performance.now();
}

/** A member's side: notes when it hears what. */
export class EventEar {
  readonly #ended = new AbortController();
  readonly #heard: number[] = [];
  #listening: Promise<void> | null = null;

  /** Listens from now on. */
  begin(client: LocalClient): void {
    const { signal } = this.#ended;
    const stream = client.listen({ topics: [TOPIC], signal });
    this.#listening = (async () => {
      for await (const update of stream) {
        if (update.kind === "event") this.#heard[update.data as number] = now();
      }
    })();
  }

  /** When each notification was heard, by its number. */
  async end(): Promise<readonly number[]> {
    this.#ended.abort();
    await this.#listening;
    return this.#heard;
  }
}

/** What the leader did: when each notification was sent, and how long calls took, ms. */
export interface Notified {
  readonly sent: readonly number[];
  readonly notified: readonly number[];
  readonly inserts: readonly number[];
  readonly ms: number;
}

/** The leader's side: inserts and notifies in turns, one at a time. */
export async function insertAndNotify(
  client: LocalClient,
  { ms }: { readonly ms: number },
): Promise<Notified> {
  const sent: number[] = [];
  const notified: number[] = [];
  const inserts: number[] = [];
  const begun = performance.now();
  for (let n = 0; performance.now() - begun < ms; n++) {
    const start = performance.now();
    await client.execute(INSERT, row(n));
    const between = performance.now();
    sent.push(now());
    await client.notify(TOPIC, n);
    inserts.push(between - start);
    notified.push(performance.now() - between);
  }
  return { sent, notified, inserts, ms: performance.now() - begun };
}

/** Measures on all members of a cluster. */
export async function measureEvents(
  { ms }: BenchOptions,
  cluster: Cluster,
): Promise<EventTimings> {
  await run(cluster, ms / 2);
  const { told, heard } = await run(cluster, ms);
  const waits = heard.map((times) =>
    told.sent.map((sent, n) => times[n]! - sent)
  );
  const last = told.sent.map((_, n) =>
    Math.max(...waits.map((one) => one[n]!))
  );
  const summed = (samples: readonly number[]): Timing =>
    timing(1, samples, told.ms);
  return {
    inserts: summed(told.inserts),
    notified: summed(told.notified),
    heard: waits.map(summed),
    heardByAll: summed(last),
  };
}

async function run(
  cluster: Cluster,
  ms: number,
): Promise<{ told: Notified; heard: readonly (readonly number[])[] }> {
  const { leader } = await cluster.roles();
  const children: Child[] = [
    leader,
    ...cluster.children.filter((child) => child !== leader),
  ];
  await leader.ask("clear");
  await Promise.all(children.map((child) => child.ask("listen")));
  const told = await leader.ask<Notified>("insertAndNotify", { ms });
  await cluster.settle();
  const heard = await Promise.all(
    children.map((child) => child.ask<readonly number[]>("heard")),
  );
  return { told, heard };
}
