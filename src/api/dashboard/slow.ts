/** The answer of `GET slow`: what took long for the clients of each member. */
export interface JsonSlowStatements {
  /** Those that answered, by node id. */
  readonly members: readonly JsonSlowMember[];
  /** Nodes that did not answer within a second. */
  readonly silent: readonly number[];
}

/** What took long for the clients of a member, since it began. */
export interface JsonSlowMember {
  readonly node_id: number;
  /** What took so long counts, ms; null: nothing does. */
  readonly limit_ms: number | null;
  /** The newest first, two hundred at most. */
  readonly statements: readonly JsonSlowStatement[];
}

/** A statement that took long. */
export interface JsonSlowStatement {
  /** When it was answered, ms since 1970. */
  readonly at_ms: number;
  readonly kind: "query" | "write";
  /** Without its parameters; 1,000 characters at most. */
  readonly sql: string;
  readonly ms: number;
  /** The code of its error; null: it was done. */
  readonly failure: string | null;
}
