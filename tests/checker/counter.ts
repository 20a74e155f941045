import { type Completed, type HistoryEvent, pairEvents } from "./history.ts";
import type { Violation } from "./violation.ts";

/**
 * A counter from 0 with `add` (by one, answers the new count) and `read`. Each answer must lie
 * between what was acknowledged before the call and what could have been applied by
 * its return; no two adds answer the same count; answers never go back in real time.
 */
export function checkCounter(events: readonly HistoryEvent[]): Violation[] {
  const calls = pairEvents(events).filter(({ end }) => end?.type !== "fail");
  const adds = calls.filter(({ invoke }) => invoke.f === "add");
  const invoked = adds.map(({ call }) => call);
  const acknowledged = adds.map((add) => add.return).sort((a, b) => a - b);
  const answered = calls.filter(({ end }) => end?.type === "ok");
  const violations = repeatedCounts(answered);
  const bounds = realTimeFloor(answered);
  for (const each of answered) {
    const count = each.end!.value as number;
    const own = Number(each.invoke.f === "add");
    const low = Math.max(
      countBelow(acknowledged, each.call) + own,
      bounds(each.call) + own,
    );
    const high = countBelow(invoked, each.return);
    if (count >= low && count <= high) continue;
    violations.push({
      anomaly: count < low ? "lost add" : "added twice",
      message:
        `${each.invoke.f} at event ${each.call} answered ${count}, possible are ${low} … ${high}`,
    });
  }
  return violations;
}

function repeatedCounts(answered: readonly Completed[]): Violation[] {
  const violations: Violation[] = [];
  const seen = new Map<unknown, number>();
  for (const { invoke, end, call } of answered) {
    if (invoke.f !== "add") continue;
    const other = seen.get(end!.value);
    if (other !== undefined) {
      violations.push({
        anomaly: "repeated count",
        message: `adds at events ${other} and ${call} both answered ${
          end!.value
        }`,
      });
    }
    seen.set(end!.value, call);
  }
  return violations;
}

/** The highest count answered before a position. */
function realTimeFloor(
  answered: readonly Completed[],
): (position: number) => number {
  const ends = answered
    .map((each) => ({ at: each.return, count: each.end!.value as number }))
    .sort((a, b) => a.at - b.at);
  let highest = 0;
  const floors = ends.map(({ count }) => highest = Math.max(highest, count));
  const positions = ends.map(({ at }) => at);
  return (position) => floors[countBelow(positions, position) - 1] ?? 0;
}

/** How many of the ascending positions lie below `limit`. */
function countBelow(positions: readonly number[], limit: number): number {
  let [low, high] = [0, positions.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (positions[middle]! < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
