import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween } from "../../../src/util/random.ts";
import type { HistoryEvent } from "../../checker/history.ts";
import type { Violation } from "../../checker/violation.ts";
import type { CacheParts } from "../api.ts";
import type { Ending } from "../recorder.ts";
import { CacheEpoch } from "./cache_epoch.ts";
import { CALL_MS, type ClientContext, type Workload } from "./workload.ts";

const CACHE = "fleeting";
/** Entries are looked at so much longer than they live. */
const AFTER_MS = 300;
/** Two processes' clocks, each in whole milliseconds. */
const ROUNDED_MS = 2;

/** How long an entry must be there: from when a call began that says so, by the client's clock. */
interface Life {
  readonly aliveMs: number;
  /** Null if it was there whenever somebody looked. */
  readonly goneMs: number | null;
}

/** Entries that live for a while, are looked at on all members, and must not be gone before their time. */
export function cacheTtlWorkload(): Workload {
  const epochs = new CacheEpoch();
  let unique = 0;
  return {
    name: "cache-ttl",
    schema: [],
    operate: async (context) => {
      const { random, recorder, process, node } = context;
      const epoch = await epochs.learn(context);
      if (typeof epoch !== "number") return epoch;
      const f = (["put", "touch", "forever", "keep"] as const)[
        randomBetween(random, 0, 4)
      ]!;
      const name = `t${++unique}`;
      const key = CacheEpoch.named(epoch, name);
      const aliveMs = randomBetween(random, 150, 800);
      const invocation = { f, key, value: aliveMs, node };
      return await recorder.record(
        process,
        invocation,
        () => live({ ...context, epochs, epoch, name }, f, aliveMs),
      );
    },
    check,
  };
}

type Call = ClientContext & {
  readonly epochs: CacheEpoch;
  readonly epoch: number;
  readonly name: string;
};

/** Writes it, once or twice, and looks at it until it is gone, or its time is long over. */
async function live(
  call: Call,
  f: "put" | "touch" | "forever" | "keep",
  aliveMs: number,
): Promise<Ending> {
  const { name: key, epoch, epochs } = call;
  const value = "here";
  const put = (more: CacheParts[number]): CacheParts => [
    { op: "put", cache: CACHE, key, value, ...more },
  ];
  /** What is said about the entry, one after the other; the last one counts. */
  const writes: Record<typeof f, readonly CacheParts[]> = {
    put: [put({ ttl_ms: aliveMs })],
    touch: [
      put({ ttl_ms: 100 }),
      [{ op: "touch", cache: CACHE, key, ttl_ms: aliveMs }],
    ],
    forever: [put({ ttl_ms: aliveMs }), put({})],
    keep: [put({ ttl_ms: aliveMs }), put({ keep_ttl: true, if_present: true })],
  };
  let begun = performance.now();
  let place = { epoch, index: 0 };
  for (const ops of writes[f]) {
    if (f !== "keep") begun = performance.now();
    const result = epochs.of(
      epoch,
      await call.other().api.cacheAtomic({ ops }, epoch, {
        timeoutMs: CALL_MS,
      }),
    );
    if (result.type !== "ok") return result;
    const { results } = result.value;
    const missed = results === null ||
      f === "touch" && ops[0]!.op === "touch" &&
        !results[0]!.found;
    if (missed) return { type: "fail", error: "it was gone in between" };
    place = result.value;
  }
  const goneMs = await gone(call, begun, aliveMs + AFTER_MS, place);
  return { type: "ok", value: { aliveMs, goneMs } satisfies Life };
}

/** When somebody saw that it is gone, ms after it was begun. */
async function gone(
  call: Call,
  begun: number,
  forMs: number,
  place: { readonly epoch: number; readonly index: number },
): Promise<number | null> {
  const { random, name, epoch, epochs } = call;
  while (performance.now() - begun < forMs) {
    const freshness = randomBetween(random, 0, 2) === 0
      ? "linearizable"
      : place;
    const { api } = call.other();
    const result = epochs.of(
      epoch,
      await api.cacheGet(CACHE, name, freshness, CALL_MS),
    );
    if (result.type === "ok" && result.value.entries[0] === null) {
      return performance.now() - begun;
    }
    await sleep(randomBetween(random, 10, 80));
  }
  return null;
}

function check(events: readonly HistoryEvent[]): Violation[] {
  return events.flatMap(({ type, f, key, value }) => {
    if (type !== "ok") return [];
    const { aliveMs, goneMs } = value as Life;
    const least = f === "forever" ? Infinity : aliveMs - ROUNDED_MS;
    if (goneMs === null || goneMs >= least) return [];
    const message = `${key} (${f}) was gone after ${goneMs} ms of ${aliveMs}`;
    return [{ anomaly: "gone too early", message }];
  });
}
