/** The body of `POST sql/analyze`. */
export interface JsonAnalyze {
  /** One or more statements. */
  readonly sql: string;
  /** Tell the plans, too. @default {false} */
  readonly plan?: boolean;
}

/** The answer of `POST sql/analyze`: what each statement would do with the schema as it is now. Nothing ran. */
export interface JsonAnalysis {
  readonly statements: readonly JsonAnalyzed[];
}

/** What one statement would do. */
export interface JsonAnalyzed {
  /** Where it stands in the text: UTF-16 units, the end not included. */
  readonly start: number;
  readonly end: number;
  /** `refused`: it is wrong or not allowed; `message` says why. */
  readonly kind: "read" | "write" | "ddl" | "refused";
  /** Its first word in capitals, such as `DELETE`; the word after `WITH … ` is not looked for. */
  readonly keyword: string;
  /** Tables that it reads, also through views, in small letters. */
  readonly reads: readonly string[];
  /** Tables whose rows it changes, by itself or through triggers and foreign keys. */
  readonly writes: readonly string[];
  /** Tables, views, indexes and triggers that it makes, alters or drops. */
  readonly touches: readonly string[];
  /** Triggers that it runs. */
  readonly triggers: readonly string[];
  /** It drops a table, view, index, trigger or column. */
  readonly drops: boolean;
  /** Of UPDATE and DELETE: whether it says which rows; null of others. */
  readonly has_where: boolean | null;
  /** Its parameters in order: names such as `:id`, null for `?`. */
  readonly parameters: readonly (string | null)[];
  /** Why it is refused. */
  readonly message?: string;
  /** Where in the whole text the error is, UTF-16 units, if that is known. */
  readonly offset?: number;
  /** The rows of EXPLAIN QUERY PLAN, if they were asked for. */
  readonly plan?: readonly JsonPlanRow[];
}

/** A row of a plan. */
export interface JsonPlanRow {
  readonly id: number;
  /** 0 at the top. */
  readonly parent: number;
  readonly detail: string;
}
