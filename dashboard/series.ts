import type { MemberSeries, SeriesColumn } from "../src/node/telemetry_port.ts";

/** Values of one thing at common times, as a chart takes them. */
export interface Line {
  readonly label: string;
  /** Its colour, 1 to 6. */
  readonly series: number;
  /** Told apart without colours, too. */
  readonly dashed?: boolean;
  readonly values: readonly (number | null)[];
}

/** The times of a range, ms since 1970: multiples of the step. The newest two are left out: not everybody was heard by then. */
export function timesOf(
  members: readonly MemberSeries[],
  stepMs: number,
  countMax: number,
): number[] {
  const newest = Math.max(...members.map(({ atMs }) => atMs.at(-1) ?? 0));
  const oldest = Math.min(...members.map(({ atMs }) => atMs[0] ?? Infinity));
  if (newest === 0 || members.length === 0) return [];
  const end = newest - 2 * stepMs;
  const begin = Math.max(oldest, end - (countMax - 1) * stepMs);
  const count = Math.max(0, Math.floor((end - begin) / stepMs) + 1);
  return Array.from(
    { length: count },
    (_, at) => end - (count - 1 - at) * stepMs,
  );
}

/** A member's report comes early or late now and then, and a second has none: so long the last one counts, ms. */
const HELD_MS = 3000;

/** A column of one member at these times; null where it was not heard for longer than two seconds. */
export function columnAt(
  { atMs, columns }: MemberSeries,
  column: SeriesColumn,
  times: readonly number[],
): (number | null)[] {
  const place = new Map(atMs.map((at, index) => [at, index]));
  const values = columns[column];
  const found = times.map((time) => {
    const at = place.get(time);
    return at === undefined ? null : values[at] ?? null;
  });
  let last = -1;
  for (const [at, value] of [...found].entries()) {
    if (value === null) continue;
    if (last >= 0 && times[at]! - times[last]! <= HELD_MS) {
      found.fill(found[last]!, last + 1, at);
    }
    last = at;
  }
  return found;
}

/** A column of all members as one: together, or the worst. Null where nobody was heard. */
export function together(
  members: readonly MemberSeries[],
  column: SeriesColumn,
  times: readonly number[],
  how: "sum" | "max",
): (number | null)[] {
  const each = members.map((member) => columnAt(member, column, times));
  return times.map((_, at) => {
    const heard = each.flatMap((values) => values[at] ?? []);
    if (heard.length === 0) return null;
    return how === "max"
      ? Math.max(...heard)
      : heard.reduce((sum, value) => sum + value, 0);
  });
}

/** Older points with newer ones behind them, at most so many of each member. */
export function joined(
  older: readonly MemberSeries[],
  newer: readonly MemberSeries[],
  countMax: number,
): MemberSeries[] {
  const nodes = new Set([...older, ...newer].map(({ nodeId }) => nodeId));
  return [...nodes].sort((a, b) => a - b).map((nodeId) => {
    const before = older.find((member) => member.nodeId === nodeId);
    const after = newer.find((member) => member.nodeId === nodeId);
    if (before === undefined || after === undefined) return (before ?? after)!;
    const first = after.atMs[0] ?? Infinity;
    const kept = before.atMs.filter((at) => at < first).length;
    const both = <T>(a: readonly T[], b: readonly T[]): T[] =>
      [...a.slice(0, kept), ...b].slice(-countMax);
    const names = Object.keys(after.columns) as SeriesColumn[];
    return {
      nodeId,
      atMs: both(before.atMs, after.atMs),
      columns: Object.fromEntries(
        names.map((name) => [
          name,
          both(before.columns[name], after.columns[name]),
        ]),
      ) as unknown as MemberSeries["columns"],
    };
  });
}

/**
 * At most so many points, to stand beside a number: each is the mean of several, or the worst of them, with the time of
 * its first. Which ones go together follows from their times, so that the line does not change its form as it moves on.
 */
export function condensed(
  times: readonly number[],
  values: readonly (number | null)[],
  countMax: number,
  how: "mean" | "max",
): { readonly times: number[]; readonly values: (number | null)[] } {
  const length = (times.at(-1) ?? 0) - (times[0] ?? 0) + 1;
  const step = times.length > 1 ? times[1]! - times[0]! : 1;
  const each = step * Math.max(1, Math.ceil(length / step / (countMax - 1)));
  const groups = new Map<number, { at: number; known: number[] }>();
  for (const [at, time] of times.entries()) {
    const place = Math.floor(time / each);
    const group = groups.get(place) ?? { at: time, known: [] };
    groups.set(place, group);
    const value = values[at] ?? null;
    if (value !== null) group.known.push(value);
  }
  const all = [...groups.values()];
  return {
    times: all.map(({ at }) => at),
    values: all.map(({ known }) => {
      if (known.length === 0) return null;
      return how === "max"
        ? Math.max(...known)
        : known.reduce((sum, value) => sum + value, 0) / known.length;
    }),
  };
}

/** The last value that is known. */
export function lastOf(values: readonly (number | null)[]): number | null {
  return values.findLast((value) => value !== null) ?? null;
}
