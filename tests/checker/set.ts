import { type HistoryEvent, pairEvents } from "./history.ts";
import type { Violation } from "./violation.ts";

/**
 * Elements are added (`add`), each once, and all read (`read`). A read must show every
 * element acknowledged before it, none twice, and none that was refused or never added.
 */
export function checkSet(events: readonly HistoryEvent[]): Violation[] {
  const pairs = pairEvents(events);
  const adds = new Map(
    pairs.filter(({ invoke }) => invoke.f === "add")
      .map((pair) => [pair.invoke.value as number, pair]),
  );
  const violations: Violation[] = [];
  for (const { invoke, end, call, return: returned } of pairs) {
    if (invoke.f !== "read" || end?.type !== "ok") continue;
    const report = (anomaly: string, element: number): void => {
      const message = `${element}, in the read at event ${call}`;
      violations.push({ anomaly, message });
    };
    const shown = new Set<number>();
    for (const element of end.value as readonly number[]) {
      if (shown.has(element)) report("applied twice", element);
      shown.add(element);
      const add = adds.get(element);
      if (add === undefined || add.call > returned) report("phantom", element);
      else if (add.end?.type === "fail") report("refused but applied", element);
    }
    for (const [element, add] of adds) {
      const acknowledged = add.end?.type === "ok" && add.return < call;
      if (acknowledged && !shown.has(element)) report("lost", element);
    }
  }
  return violations;
}
