import { randomBetween } from "../../../src/util/random.ts";
import { checkCounter } from "../../checker/counter.ts";
import type { HistoryEvent } from "../../checker/history.ts";
import type { ApiResult, CachePlace, JsonValue } from "../api.ts";
import type { Ending } from "../recorder.ts";
import { CacheEpoch } from "./cache_epoch.ts";
import { retried } from "./retry.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

const COUNTER = { cache: "counters", key: "one" };

/** A counter of the caches whose adds are repeated until they are answered, each under its idempotency key. */
export function cacheCounterWorkload(): Workload {
  const epochs = new CacheEpoch();
  const operate = async (
    context: ClientContext,
    f: "add" | "read",
  ): Promise<Ending> => {
    const { recorder, process, node } = context;
    const epoch = await epochs.learn(context);
    if (typeof epoch !== "number") return epoch;
    const key = CacheEpoch.named(epoch, COUNTER.key);
    const invocation = { f, key, value: f === "add" ? 1 : null, node };
    return recorder.record(process, invocation, async () => {
      const result = f === "add"
        ? await add(context, epoch)
        : await read(context);
      return endingOf(epochs.of(epoch, result), ({ count }) => count);
    });
  };
  return {
    name: "cache-counter",
    schema: [],
    operate: (context) =>
      operate(
        context,
        randomBetween(context.random, 0, 4) === 0 ? "read" : "add",
      ),
    finish: (context) => operate(context, "read"),
    check: (events) =>
      Map.groupBy(events, ({ key }) => key)
        .values().flatMap((some: HistoryEvent[]) => checkCounter(some))
        .toArray(),
  };
}

type Counted = CachePlace & { readonly count: number };

async function read({ api }: ClientContext): Promise<ApiResult<Counted>> {
  const { cache, key } = COUNTER;
  const result = await api.cacheCounter(cache, key, "linearizable", CALL_MS);
  return counted(result, ({ counter }) => counter);
}

async function add(
  context: ClientContext,
  epoch: number,
): Promise<ApiResult<Counted>> {
  const result = await retried(
    context,
    (api, idempotencyKey) =>
      api.cacheAtomic({ ops: [{ op: "add", ...COUNTER, delta: 1 }] }, epoch, {
        timeoutMs: CALL_MS,
        idempotencyKey,
      }),
  );
  return counted(result, ({ results }) => results![0]!.counter);
}

function counted<T extends CachePlace>(
  result: ApiResult<T>,
  countIn: (answer: T) => JsonValue,
): ApiResult<Counted> {
  if (result.type !== "ok") return result;
  const { value } = result;
  const { epoch, index } = value;
  return {
    type: "ok",
    value: { epoch, index, count: Number(countIn(value) ?? 0) },
  };
}
