import type { KvAnswer, KvUnit } from "../../state/kv/types.ts";
import type { CacheWriteAnswer } from "../port.ts";
import type { SpanAttributes, Traces } from "../../telemetry/traces.ts";
import { codeOf } from "./failure_code.ts";

/** Who waits for a unit: one of the two is called, once. */
export interface UnitWaiter {
  /** The span that waits; undefined if nobody listens. */
  readonly traceparent?: string;
  resolve(answer: CacheWriteAnswer | Promise<CacheWriteAnswer>): void;
  reject(error: unknown): void;
}

/** Traces a unit if somebody listens: until the leader has answered, then until it is applied here, or nobody waits for that any more. */
export function traced(
  traces: Pick<Traces, "begin">,
  unit: KvUnit,
  waiter: UnitWaiter,
): UnitWaiter {
  const trace = traces.begin("hiqlite.cache.write", tellUnit, unit);
  if (trace === null) return waiter;
  trace.step("hiqlite.replicate");
  return {
    traceparent: trace.traceparent,
    resolve(answer) {
      trace.step("hiqlite.apply");
      waiter.resolve(answer);
      Promise.resolve(answer).then(
        (seen) => trace.end(failureOf(seen.answer)),
        (error) => trace.end(codeOf(error)),
      );
    },
    reject(error) {
      trace.end(codeOf(error));
      waiter.reject(error);
    },
  };
}

/** What the first part does, to which cache, and how many there are: keys and values are their owner's. */
function tellUnit(
  { creates = [], checks, operations }: KvUnit,
): SpanAttributes {
  const parts = [...operations, ...creates];
  const [first] = parts;
  return {
    "db.system.name": "hiqlite",
    "db.operation.name": first?.kind ?? "check",
    "db.collection.name": first?.cache ?? checks[0]?.cache ?? "",
    "db.operation.batch.size": parts.length,
  };
}

/** A check that does not hold is an answer. */
function failureOf(answer: KvAnswer): string | null {
  return answer.kind === "refused" ? answer.code : null;
}
