import type { JsonSlowStatement } from "../../src/api/dashboard/slow.ts";

/** A text that took long, however often. */
export interface SlowGroup {
  readonly sql: string;
  readonly kind: JsonSlowStatement["kind"];
  readonly count: number;
  /** The longest time, ms. */
  readonly longestMs: number;
  /** All its times together, ms. */
  readonly totalMs: number;
  /** When it was answered last, ms since 1970. */
  readonly lastMs: number;
  /** The code of its last error; null: it had none. */
  readonly failure: string | null;
}

/** Equal texts together, whatever space they have between words; what took the most time comes first. */
export function slowGroups(
  statements: readonly JsonSlowStatement[],
): SlowGroup[] {
  const groups = new Map<string, SlowGroup>();
  for (const { sql, kind, ms, at_ms: atMs, failure } of statements) {
    const text = sql.trim();
    const name = `${kind} ${text.replaceAll(/\s+/g, " ")}`;
    const known = groups.get(name);
    groups.set(
      name,
      known === undefined
        ? {
          sql: text,
          kind,
          count: 1,
          longestMs: ms,
          totalMs: ms,
          lastMs: atMs,
          failure,
        }
        : {
          ...known,
          count: known.count + 1,
          longestMs: Math.max(known.longestMs, ms),
          totalMs: known.totalMs + ms,
          lastMs: Math.max(known.lastMs, atMs),
          failure: known.failure ?? failure,
        },
    );
  }
  return [...groups.values()].sort((a, b) => b.totalMs - a.totalMs);
}
