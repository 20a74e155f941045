import { type HistoryEvent, pairEvents } from "./history.ts";
import type { Violation } from "./violation.ts";

/** What a listener heard. */
export interface Heard {
  /** Ends with the event's index and its number. */
  readonly id: string;
  /** What was published, or what was told instead of an event. */
  readonly data: number | string;
}

/**
 * Events are published (`add`), each once, and heard by one listener in several visits (`hear`), the last of which
 * hears all (its value is "all"). Each is heard once; none is missing that was acknowledged, none is there that was
 * refused or that nobody published; what was published after another was acknowledged comes after it.
 */
export function checkHeard(events: readonly HistoryEvent[]): Violation[] {
  const pairs = pairEvents(events);
  const adds = new Map(
    pairs.filter(({ invoke }) => invoke.f === "add")
      .map((pair) => [pair.invoke.value, pair]),
  );
  const visits = pairs.filter(({ invoke, end }) =>
    invoke.f === "hear" && end?.type === "ok"
  );
  const heard = visits.flatMap(({ end }) => end!.value as readonly Heard[]);
  const violations: Violation[] = [];
  const report = (anomaly: string, { id, data }: Heard): void => {
    violations.push({ anomaly, message: `${data}, as event ${id}` });
  };
  const seen = new Set<number | string>();
  let [number, begun] = [0, -1];
  for (const one of heard) {
    const add = adds.get(one.data);
    const next = Number(one.id.split("-").at(-1));
    if (next !== number + 1) report("out of order", one);
    number = next;
    if (seen.has(one.data)) report("heard twice", one);
    seen.add(one.data);
    if (add === undefined) report("phantom", one);
    else {
      if (add.end?.type === "fail") report("refused but published", one);
      // Acknowledged before something was even asked for that was heard before it.
      if (add.return < begun) report("late", one);
      begun = Math.max(begun, add.call);
    }
  }
  const complete = visits.some(({ invoke }) => invoke.value === "all");
  for (const [data, { end }] of complete ? adds : []) {
    if (end?.type !== "ok" || seen.has(data as number)) continue;
    violations.push({ anomaly: "lost", message: `${data} was never heard` });
  }
  return violations;
}
