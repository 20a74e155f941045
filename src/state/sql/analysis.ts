/** How texts are analyzed instead of being run. */
export interface AnalysisRequest {
  /** Tell plans, too. */
  readonly plan: boolean;
}

/** What one statement of a text would do with the schema as it is. */
export interface StatementAnalysis {
  /** Where it stands in the text: UTF-16 units, the end not included. */
  readonly start: number;
  readonly end: number;
  /** `refused`: it is wrong, or not allowed. */
  readonly kind: "read" | "write" | "ddl" | "refused";
  /** Its first word in capitals. */
  readonly keyword: string;
  /** Tables that it reads, also through views; folded. */
  readonly reads: readonly string[];
  /** Tables whose rows it changes, by itself or through triggers and foreign keys. */
  readonly writes: readonly string[];
  /** What it makes, alters or drops, and the tables that this belongs to. */
  readonly touches: readonly string[];
  /** Triggers that it would run. */
  readonly triggers: readonly string[];
  /** It drops something. */
  readonly drops: boolean;
  /** Of UPDATE and DELETE, whether they say which rows; null of others. */
  readonly hasWhere: boolean | null;
  /** Names of its parameters; null of those that have none. */
  readonly parameters: readonly (string | null)[];
  /** Why it is refused. */
  readonly message?: string;
  /** Where in the text that is, if there is one such place. */
  readonly offset?: number;
  /** How it would be run, if that was asked for and it reads or writes. */
  readonly plan?: readonly PlanRow[];
}

/** A row of EXPLAIN QUERY PLAN. */
export interface PlanRow {
  readonly id: number;
  /** 0 at the top. */
  readonly parent: number;
  readonly detail: string;
}

/** Statements of a text that is analyzed. */
export const ANALYZED_MAX = 1000;
