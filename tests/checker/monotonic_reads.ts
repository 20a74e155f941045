import { type HistoryEvent, pairEvents } from "./history.ts";
import type { Violation } from "./violation.ts";

/**
 * The value of a key only grows: no process may read less than it has read or
 * written before, whichever member it asks.
 */
export function checkMonotonicReads(
  events: readonly HistoryEvent[],
): Violation[] {
  const violations: Violation[] = [];
  const highest = new Map<string, number>();
  for (const { invoke, end, call } of pairEvents(events)) {
    if (end?.type !== "ok") continue;
    const session = `${invoke.process} ${invoke.key ?? ""}`;
    const before = highest.get(session) ?? -Infinity;
    const value = end.value as number;
    if (invoke.f === "read" && value < before) {
      violations.push({
        anomaly: "read went back",
        message:
          `process ${invoke.process} read ${value} at event ${call} after ${before}`,
      });
    }
    highest.set(session, Math.max(before, value));
  }
  return violations;
}
