import { HiqliteError } from "../../../errors.ts";
import type { SqliteConnection, SqliteStatement } from "../driver/driver.ts";
import type { Observed } from "./observed.ts";
import { type Policy, refuseInView, RESERVED_PREFIX } from "./policy.ts";
import {
  describeStatement,
  foldName,
  isBlank,
  namesIn,
  type ParameterSlot,
} from "./text.ts";
import { LOCKS_VIEW } from "./rules.ts";

/** A prepared statement and what is known of it. */
export interface Compiled {
  readonly statement: SqliteStatement;
  readonly slots: readonly ParameterSlot[];
  readonly keyword: string;
  readonly observed: Observed;
  /** The table that it inserts into, folded; null if none. */
  readonly into: string | null;
  readonly mentions: Mentions;
  /** The number of the set of tables that it writes; null until it wrote. */
  tables: number | null;
  /** Tables of virtual tables that it writes that must be looked at after it; null until it ran. */
  shadows: readonly string[] | null;
  /** What the answer of a query depends on, null: on everything; undefined until that was asked. */
  dependencies?: readonly string[] | null;
}

/** Words in a statement's text that ask for care; one in a string does no harm. */
export interface Mentions {
  readonly counters: boolean;
  readonly conflict: boolean;
  readonly fail: boolean;
}

function mentionsIn(sql: string): Mentions {
  return {
    counters: /last_insert_rowid|changes/i.test(sql),
    conflict: /\bconflict\b/i.test(sql),
    fail: /\bfail\b/i.test(sql),
  };
}

/** Text of all kept statements, characters; SQLite takes about ten bytes for each of a long text. */
export const KEPT_CHARS_MAX = 2 * 1024 * 1024;
/** A longer text holds its values itself and hardly comes again. */
export const KEPT_STATEMENT_CHARS_MAX = 64 * 1024;

/** Why a compiled statement is refused, or null. */
type RefuseUse = (
  keyword: string,
  sql: string,
  observed: Observed,
) => string | null;

/** Compiles users' statements under a policy and keeps the most recently used ones, as many as fit into both bounds. */
export class StatementCache {
  readonly #connection: SqliteConnection;
  readonly #policy: Policy;
  readonly #capacity: number;
  readonly #refuseKeyword: (keyword: string) => string | null;
  readonly #refuseUse: RefuseUse;
  readonly #compiled = new Map<string, Compiled>();
  #latest = "";
  #keptChars = 0;
  /** The statement used last, if it is not kept. */
  #passing: SqliteStatement | null = null;

  /** Keeps up to `capacity` statements; `refuseKeyword` says why a kind of statement is refused, `refuseUse` why one is that does this. */
  constructor(
    connection: SqliteConnection,
    policy: Policy,
    capacity: number,
    refuseKeyword: (keyword: string) => string | null,
    refuseUse: RefuseUse = () => null,
  ) {
    this.#connection = connection;
    this.#policy = policy;
    this.#capacity = capacity;
    this.#refuseKeyword = refuseKeyword;
    this.#refuseUse = refuseUse;
  }

  /**
   * The statement of a text that must hold exactly one.
   * @throws {HiqliteError} `invalid` for none or several, `forbidden` for kinds that are never allowed.
   * @throws {SqliteError} what the compiler says; `policy.refusal` tells why it was not allowed to go on.
   */
  get(sql: string): Compiled {
    const cached = this.#compiled.get(sql);
    if (cached !== undefined) {
      if (sql !== this.#latest) {
        this.#compiled.delete(sql);
        this.#compiled.set(sql, cached);
        this.#latest = sql;
      }
      this.#policy.refusal = null;
      return cached;
    }
    const compiled = this.#compile(sql);
    const { schema, defersForeignKeys } = compiled.observed;
    const kept = !schema && !defersForeignKeys && this.#capacity > 0 &&
      sql.length <= KEPT_STATEMENT_CHARS_MAX;
    if (kept) this.#keep(sql, compiled);
    else this.#passing = compiled.statement;
    return compiled;
  }

  /** Whether a text is compiled already. */
  has(sql: string): boolean {
    return this.#compiled.has(sql);
  }

  /** Forgets everything: the schema has changed, and with it columns and triggers. */
  clear(): void {
    for (const { statement } of this.#compiled.values()) statement.release();
    this.#compiled.clear();
    this.#latest = "";
    this.#keptChars = 0;
  }

  #keep(sql: string, compiled: Compiled): void {
    this.#compiled.set(sql, compiled);
    this.#latest = sql;
    this.#keptChars += sql.length;
    for (const [oldest, { statement }] of this.#compiled) {
      const fits = this.#compiled.size <= this.#capacity &&
        this.#keptChars <= KEPT_CHARS_MAX;
      if (fits) return;
      this.#compiled.delete(oldest);
      this.#keptChars -= oldest.length;
      statement.release();
    }
  }

  #compile(sql: string): Compiled {
    this.#passing?.release();
    this.#passing = null;
    const { keywords, slots } = describeStatement(sql);
    const keyword = keywords[0] ?? "";
    forbid(this.#refuseKeyword(keyword) ?? refuseName(keywords, sql));
    const statement = this.#policy.examine(
      keywords,
      () => this.#connection.prepare(sql),
    );
    if (statement === null) {
      throw new HiqliteError("invalid", "The SQL contains no statement");
    }
    if (!isBlank(sql, statement.source.length)) {
      throw new HiqliteError(
        "invalid",
        "The SQL contains more than one statement; use batch, or a transaction",
      );
    }
    const { observed } = this.#policy;
    forbid(this.#refuseUse(keyword, sql, observed));
    const { insertsInto } = observed;
    return {
      statement,
      slots,
      keyword,
      observed,
      into: insertsInto === null ? null : foldName(insertsInto),
      mentions: mentionsIn(statement.source),
      tables: null,
      shadows: null,
    };
  }
}

const OWN_NAMES = [LOCKS_VIEW, RESERVED_PREFIX];

function forbid(refusal: string | null): void {
  if (refusal !== null) throw new HiqliteError("forbidden", refusal);
}

/**
 * ALTER TABLE does not show the authorizer the new name, CREATE VIEW and CREATE VIRTUAL TABLE what is read later, nor
 * CREATE TABLE what its foreign keys refer to; and whether there is a guard to be dropped differs between members.
 */
function refuseName(
  [first, second]: readonly string[],
  sql: string,
): string | null {
  const refuse = first === "CREATE" && second === "VIEW"
    ? refuseInView
    : first === "DROP"
    ? refuseReserved
    : first === "CREATE"
    ? parentRefusal()
    : null;
  if (refuse !== null) {
    for (const name of namesIn(sql)) {
      const refusal = refuse(name);
      if (refusal !== null) return refusal;
    }
  }
  // A subquery called like the view would be taken for it, and may read what the view reads.
  if (OWN_NAMES.every((name) => sql.toLowerCase().includes(name))) {
    return `Names that begin with ${RESERVED_PREFIX} are reserved, also where ${LOCKS_VIEW} is read`;
  }
  const hidden = first === "ALTER" || second === "VIRTUAL";
  if (!hidden || !sql.toLowerCase().includes(RESERVED_PREFIX)) return null;
  return `Names that begin with ${RESERVED_PREFIX} are reserved`;
}

function refuseReserved(name: string): string | null {
  return name.startsWith(RESERVED_PREFIX)
    ? `Names that begin with ${RESERVED_PREFIX} are reserved: ${name}`
    : null;
}

/**
 * Refuses what a foreign key refers to: SQLite would look at it when a member writes to its own tables, and what cannot
 * fail there could.
 */
function parentRefusal(): (name: string) => string | null {
  let before = "";
  return (name) => {
    const refusal = before === "references" ? refuseReserved(name) : null;
    before = name;
    return refusal;
  };
}
