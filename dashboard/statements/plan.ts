import type { JsonPlanRow } from "../../src/api/dashboard/analysis.ts";

/** What a step of a plan costs: `scan` grows with the table, `search` does not, `sort` keeps all rows before the first one comes. */
export type PlanCost = "scan" | "search" | "sort" | "other";

/** A step of a plan with those that belong to it. */
export interface PlanStep {
  /** SQLite's own words. */
  readonly detail: string;
  readonly cost: PlanCost;
  /** What it means, in plain words; empty where SQLite's are plain. */
  readonly meaning: string;
  /** The table that it reads, or null. */
  readonly table: string | null;
  readonly steps: readonly PlanStep[];
}

/** The rows of EXPLAIN QUERY PLAN as a tree. */
export function planTree(rows: readonly JsonPlanRow[]): PlanStep[] {
  const children = new Map<number, JsonPlanRow[]>();
  for (const row of rows) {
    const known = children.get(row.parent) ?? [];
    known.push(row);
    children.set(row.parent, known);
  }
  const below = (id: number, seen: ReadonlySet<number>): PlanStep[] =>
    (children.get(id) ?? []).filter((row) => !seen.has(row.id)).map((row) => ({
      ...stepOf(row.detail),
      steps: below(row.id, new Set([...seen, row.id])),
    }));
  return below(0, new Set());
}

function stepOf(detail: string): Omit<PlanStep, "steps"> {
  const read = /^(SCAN|SEARCH) (?:TABLE )?(.+?)(?: USING (.+))?$/.exec(detail);
  if (read !== null) return readStep(detail, read);
  if (detail.startsWith("USE TEMP B-TREE")) {
    const what = /FOR (?:LAST \d+ TERMS OF )?(.+)$/.exec(detail)?.[1] ?? "";
    return {
      detail,
      cost: "sort",
      meaning: `No index has this order: all rows are read and sorted${
        what === "" ? "" : ` for ${what}`
      } before the first one comes.`,
      table: null,
    };
  }
  return { detail, cost: "other", meaning: "", table: null };
}

function readStep(
  detail: string,
  [, verb, name, using]: RegExpExecArray,
): Omit<PlanStep, "steps"> {
  const table = name!.replace(/ AS .+$/, "");
  if (name === "CONSTANT ROW") {
    return { detail, cost: "other", meaning: "", table: null };
  }
  if (verb === "SEARCH") {
    return { detail, cost: "search", meaning: searchMeaning(using), table };
  }
  const index = /COVERING INDEX (\S+)/.exec(using ?? "")?.[1];
  const meaning = /^VIRTUAL TABLE/.test(using ?? "") ||
      detail.includes("VIRTUAL TABLE INDEX")
    ? "The virtual table decides how much it reads."
    : index !== undefined
    ? `Reads the whole index ${index}, from one end to the other.`
    : using !== undefined
    ? "Reads every row, in the order of an index."
    : "Reads every row.";
  return { detail, cost: "scan", meaning, table };
}

function searchMeaning(using = ""): string {
  if (using.startsWith("AUTOMATIC")) {
    return "Builds an index for this query alone, each time: make one that lasts.";
  }
  const index = /INDEX (\S+)/.exec(using)?.[1];
  if (/PRIMARY KEY/.test(using)) return "Finds rows by their primary key.";
  return index === undefined
    ? "Finds rows by a key."
    : `Finds rows by the index ${index}.`;
}
