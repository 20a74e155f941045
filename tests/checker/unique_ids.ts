import { type HistoryEvent, pairEvents } from "./history.ts";
import type { Violation } from "./violation.ts";

/** No two `generate` calls may answer the same id. */
export function checkUniqueIds(events: readonly HistoryEvent[]): Violation[] {
  const violations: Violation[] = [];
  const seen = new Map<unknown, number>();
  for (const { invoke, end, call } of pairEvents(events)) {
    if (invoke.f !== "generate" || end?.type !== "ok") continue;
    const other = seen.get(end.value);
    if (other !== undefined) {
      violations.push({
        anomaly: "repeated id",
        message: `${end.value} was answered at events ${other} and ${call}`,
      });
    }
    seen.set(end.value, call);
  }
  return violations;
}
