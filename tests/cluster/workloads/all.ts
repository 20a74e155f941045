import { bankWorkload } from "./bank.ts";
import { cacheCounterWorkload } from "./cache_counter.ts";
import { cacheRegisterWorkload } from "./cache_register.ts";
import { cacheSlotWorkload } from "./cache_slot.ts";
import { cacheTtlWorkload } from "./cache_ttl.ts";
import { counterWorkload } from "./counter.ts";
import { guardedSetWorkload } from "./guarded_set.ts";
import { listAppendWorkload } from "./list_append.ts";
import { monotonicWorkload } from "./monotonic.ts";
import { registerWorkload } from "./register.ts";
import { setWorkload } from "./set.ts";
import { topicEventsWorkload } from "./topic_events.ts";
import { uniqueIdsWorkload } from "./unique_ids.ts";
import type { Workload } from "./workload.ts";

/** Every workload by its name on the command line; each call makes a fresh one. */
export const WORKLOADS: Readonly<Record<string, () => Workload>> = {
  register: registerWorkload,
  "list-append": listAppendWorkload,
  bank: bankWorkload,
  counter: counterWorkload,
  set: setWorkload,
  "unique-ids": uniqueIdsWorkload,
  monotonic: monotonicWorkload,
  "cache-register": cacheRegisterWorkload,
  "cache-counter": cacheCounterWorkload,
  "cache-slot": cacheSlotWorkload,
  "cache-ttl": cacheTtlWorkload,
  "guarded-set": guardedSetWorkload,
  "topic-events": topicEventsWorkload,
};
