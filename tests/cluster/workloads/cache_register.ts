import { randomBetween } from "../../../src/util/random.ts";
import type { ApiResult } from "../api.ts";
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

/** Entries with compare-and-set by value and by version, read linearizably on any member. Every value is written once. */
export function cacheRegisterWorkload(): Workload {
  const epochs = new CacheEpoch();
  const nextKey = keysInTurn("r", KEYS);
  let unique = 0;
  /** What was seen last, for a compare-and-set that has a chance. */
  const seen = new Map<string, Seen>();
  const used = new Map<string, Pick<Call, "epoch" | "key">>();
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
      used.set(named, call);
      const kind = randomBetween(random, 0, 4);
      if (kind === 0) {
        const invocation = { f: "read", key: named, value: [], node };
        return recorder.record(process, invocation, async () => {
          const found = await read(call);
          if (found.type === "ok" && found.value !== null) {
            seen.set(named, found.value);
          }
          return endingOf(found, valueOf);
        });
      }
      const value = ++unique;
      if (kind === 1) {
        const invocation = { f: "write", key: named, value: [value], node };
        return recorder.record(process, invocation, () => put(call, value));
      }
      const from = seen.get(named) ?? NEVER_SEEN;
      const byVersion = randomBetween(random, 0, 2) === 0;
      const invocation = {
        f: "cas",
        key: named,
        value: [from.value, value],
        node,
      };
      return recorder.record(
        process,
        invocation,
        () => cas(call, from, value, byVersion),
      );
    },
    finish: async ({ recorder, process, node, api }) => {
      for (const [named, { epoch, key }] of used) {
        const invocation = { f: "read", key: named, value: [], node };
        const last = await recorder.record(
          process,
          invocation,
          async () =>
            endingOf(await read({ api, epochs, epoch, key }), valueOf),
        );
        // What was in a life that is over cannot be read any more.
        if (last.type !== "ok" && !last.error.startsWith("cache_reset:")) {
          return last;
        }
      }
      return { type: "ok", value: null };
    },
    check: registerViolations,
  };
}

/** What a read found. */
interface Seen {
  readonly value: number;
  readonly version: number;
}

/** Values and versions are positive, except the version of what is not there. */
const NEVER_SEEN: Seen = { value: 0, version: Number.MAX_SAFE_INTEGER };

type Call = Pick<ClientContext, "api"> & {
  readonly epochs: CacheEpoch;
  readonly epoch: number;
  readonly key: string;
};

function valueOf(seen: Seen | null): number | null {
  return seen?.value ?? null;
}

async function read(
  { api, epochs, epoch, key }: Call,
): Promise<ApiResult<Seen | null>> {
  const answer = await api.cacheGet(CACHE, key, "linearizable", CALL_MS);
  const result = epochs.of(epoch, answer);
  if (result.type !== "ok") return result;
  const [entry] = result.value.entries;
  return {
    type: "ok",
    value: entry
      ? { value: Number(entry.value), version: entry.version }
      : null,
  };
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
  from: Seen,
  to: number,
  byVersion: boolean,
): Promise<Ending> {
  const put = { op: "put", cache: CACHE, key, value: `${to}` };
  const unit = byVersion
    ? { ops: [{ ...put, if_version: from.version }] }
    : { checks: [{ cache: CACHE, key, value: `${from.value}` }], ops: [put] };
  const result = await api.cacheAtomic(unit, epoch, { timeoutMs: CALL_MS });
  return endingOf(epochs.of(epoch, result), ({ results }) => results !== null);
}
