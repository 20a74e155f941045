import { randomBetween } from "../../../src/util/random.ts";
import type { Ending } from "../recorder.ts";
import { CacheEpoch } from "./cache_epoch.ts";
import { registerViolations } from "./register.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  keysInTurn,
  type Workload,
} from "./workload.ts";

const CACHE = "registers";
/** Keys that are in use at the same time. */
const KEYS = 3;

/** Entries with compare-and-set by their values, read linearizably on any member. Every value is written once. */
export function cacheRegisterWorkload(): Workload {
  const epochs = new CacheEpoch();
  const nextKey = keysInTurn("r", KEYS);
  let unique = 0;
  /** What was seen last, for a compare-and-set that has a chance. */
  const seen = new Map<string, number>();
  return {
    name: "cache-register",
    schema: [],
    operate: async (context) => {
      const { random, recorder, process, node } = context;
      const epoch = await epochs.learn(context);
      if (typeof epoch !== "number") return epoch;
      const key = nextKey(random);
      const named = CacheEpoch.named(epoch, key);
      const call: Call = { ...context, epochs, epoch, key };
      const kind = randomBetween(random, 0, 4);
      if (kind === 0) {
        const invocation = { f: "read", key: named, value: [], node };
        return recorder.record(process, invocation, async () => {
          const ending = await read(call);
          if (ending.type === "ok" && ending.value !== null) {
            seen.set(named, ending.value as number);
          }
          return ending;
        });
      }
      const value = ++unique;
      if (kind === 1) {
        const invocation = { f: "write", key: named, value: [value], node };
        return recorder.record(process, invocation, () => put(call, value));
      }
      const from = seen.get(named) ?? 0;
      const invocation = { f: "cas", key: named, value: [from, value], node };
      return recorder.record(process, invocation, () => cas(call, from, value));
    },
    check: registerViolations,
  };
}

type Call = Pick<ClientContext, "api"> & {
  readonly epochs: CacheEpoch;
  readonly epoch: number;
  readonly key: string;
};

async function read({ api, epochs, epoch, key }: Call): Promise<Ending> {
  const result = await api.cacheGet(CACHE, key, "linearizable", CALL_MS);
  return endingOf(
    epochs.of(epoch, result),
    ({ entries: [entry] }) => entry ? Number(entry.value) : null,
  );
}

async function put(
  { api, epochs, epoch, key }: Call,
  value: number,
): Promise<Ending> {
  const result = await api.cacheAtomic(
    {
      ops: [{ op: "put", cache: CACHE, key, value: `${value}` }],
    },
    epoch,
    { timeoutMs: CALL_MS },
  );
  return endingOf(epochs.of(epoch, result), () => null);
}

async function cas(
  { api, epochs, epoch, key }: Call,
  from: number,
  to: number,
): Promise<Ending> {
  const result = await api.cacheAtomic(
    {
      checks: [{ cache: CACHE, key, value: `${from}` }],
      ops: [{ op: "put", cache: CACHE, key, value: `${to}` }],
    },
    epoch,
    { timeoutMs: CALL_MS },
  );
  return endingOf(epochs.of(epoch, result), ({ results }) => results !== null);
}
