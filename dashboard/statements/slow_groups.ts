import type {
  JsonSlowMember,
  JsonSlowStatement,
} from "../../src/api/dashboard/slow.ts";

/** A text that took long, however often. */
export interface SlowGroup {
  readonly sql: string;
  readonly kind: JsonSlowStatement["kind"];
  /** The members whose clients asked, by node id. */
  readonly nodes: readonly number[];
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

/** Equal texts of all members together, whatever space they have between words; what took the most time comes first. */
export function slowGroups(members: readonly JsonSlowMember[]): SlowGroup[] {
  const groups = new Map<string, SlowGroup>();
  const told = members.flatMap(({ node_id: node, statements }) =>
    statements.map((statement) => ({ node, ...statement }))
  ).sort((a, b) => b.at_ms - a.at_ms);
  for (const { node, sql, kind, ms, at_ms: atMs, failure } of told) {
    const text = sql.trim();
    const name = `${kind} ${text.replaceAll(/\s+/g, " ")}`;
    const known = groups.get(name);
    groups.set(
      name,
      known === undefined
        ? {
          sql: text,
          kind,
          nodes: [node],
          count: 1,
          longestMs: ms,
          totalMs: ms,
          lastMs: atMs,
          failure,
        }
        : {
          ...known,
          nodes: [...new Set([...known.nodes, node])].sort((a, b) => a - b),
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
