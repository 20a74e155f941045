import { randomBetween } from "../../../src/util/random.ts";
import { operationsOf } from "../../checker/history.ts";
import { nonlinearizable } from "../../checker/linearizability.ts";
import { type SlotInput, slotModel } from "../../checker/slot.ts";
import type { CacheParts } from "../api.ts";
import { CacheEpoch } from "./cache_epoch.ts";
import { retried } from "./retry.ts";
import { CALL_MS, endingOf, keysInTurn, type Workload } from "./workload.ts";

const CACHE = "slots";
/** Few, so that clients meet. */
const KEYS = 2;

/**
 * Slots that are filled if they are empty, and emptied by `getRemove`: what was put is handed to one
 * client, once, although each call is repeated until it is answered.
 */
export function cacheSlotWorkload(): Workload {
  const epochs = new CacheEpoch();
  const nextKey = keysInTurn("s", KEYS);
  let unique = 0;
  return {
    name: "cache-slot",
    schema: [],
    operate: async (context) => {
      const { random, recorder, process, node } = context;
      const epoch = await epochs.learn(context);
      if (typeof epoch !== "number") return epoch;
      const key = nextKey(random);
      const value = randomBetween(random, 0, 2) === 0 ? ++unique : null;
      const f = value === null ? "take" : "fill";
      const ops: CacheParts = value === null
        ? [{ op: "get_remove", cache: CACHE, key }]
        : [{ op: "put", cache: CACHE, key, value: `${value}`, if_version: 0 }];
      const named = CacheEpoch.named(epoch, key);
      return await recorder.record(
        process,
        { f, key: named, value, node },
        async () => {
          const result = await retried(
            context,
            (api, idempotencyKey) =>
              api.cacheAtomic({ ops }, epoch, {
                timeoutMs: CALL_MS,
                idempotencyKey,
              }),
          );
          return endingOf(epochs.of(epoch, result), ({ results }) => {
            if (value !== null) return results !== null;
            const { previous } = results![0]!;
            return previous === null ? null : Number(previous);
          });
        },
      );
    },
    check: (events) => {
      const calls = operationsOf(
        events,
        ({ f, key, value }): SlotInput =>
          f === "fill"
            ? { f, key: key!, value: value as number }
            : { f: "take", key: key! },
        ({ value }) => value as number | boolean | null,
      );
      return nonlinearizable(slotModel, calls);
    },
  };
}
