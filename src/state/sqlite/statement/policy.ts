import {
  Action,
  COUNTERS,
  DATA_KEYWORDS,
  FORBIDDEN_FUNCTIONS,
  LOCKS_VIEW,
  MEMBER_FUNCTIONS,
  MODULES,
  NOTIFY_FUNCTION,
  PHYSICAL_TABLES,
  QUESTION_PRAGMAS,
  READER_PRAGMAS,
  SCHEMA_ACTIONS,
  SCHEMA_ACTIONS_IN_TABLE,
  SHOWN_TO_QUERIES,
  TOKEN_FUNCTION,
  WRITER_PRAGMAS,
} from "./rules.ts";
import { isMomentary } from "../driver/result_codes.ts";
import { nothingObserved, type Observed } from "./observed.ts";
import { foldName } from "./text.ts";

/** The prefix of this software's own tables. */
export const RESERVED_PREFIX = "_hql_";

/** Begins the names of the temporary triggers that keep the largest rowids free; they go with their tables. */
export const ROWID_GUARD = `${RESERVED_PREFIX}rowid `;

/** The temporary table that keeps the rows of a query for a stream. */
export const SPOOL_TABLE = `${RESERVED_PREFIX}rows`;

/** What a guard calls before (1) and after (0) it computes what must not depend on the current time. */
export const STRICT_FUNCTION = `${RESERVED_PREFIX}strict`;

/** The names of this software, and of functions that differ between members, are no part of a view: virtual tables read views unseen. */
export function refuseInView(name: string): string | null {
  if (name.startsWith(RESERVED_PREFIX)) {
    return `Names that begin with ${RESERVED_PREFIX} are reserved: ${name}`;
  }
  return MEMBER_FUNCTIONS.has(name) || FORBIDDEN_FUNCTIONS.has(name) ||
      name === NOTIFY_FUNCTION
    ? `${name}() is not allowed in a view: members may differ in it`
    : null;
}

/** Who compiles. */
type Mode =
  /** This software. */
  | "internal"
  /** A user's statement is compiled. */
  | "examine"
  /** A user's statement runs: what is compiled meanwhile comes from a virtual table, or SQLite compiles the statement again. */
  | "nested";

/** Decides what a statement may do, and notes what it does. */
export class Policy {
  readonly #readOnly: boolean;
  #keyword = "";
  #dropsTable = false;
  #mode: Mode = "internal";
  /** What the running statement did when it was compiled. */
  #own: Observed = nothingObserved();
  #storage: ReadonlySet<string> | null = null;
  /** Why the last statement was refused; null if it was not. */
  refusal: string | null = null;
  /** What the statement compiled last does. */
  observed: Observed = nothingObserved();

  /** A policy for readers (`readOnly`) or for the writer. */
  constructor(options: { readonly readOnly: boolean }) {
    this.#readOnly = options.readOnly;
  }

  /**
   * A user's statement begins to run, until {@linkcode leave}: what virtual tables compile meanwhile may
   * do no more than it, and write only `storage` (virtual tables and what they keep their data in, folded).
   */
  enter(
    keyword: string,
    observed: Observed,
    storage: ReadonlySet<string> | null,
  ): void {
    this.#mode = "nested";
    this.#dropsTable = keyword === "DROP" && this.#dropsTable;
    this.#keyword = keyword;
    this.#own = observed;
    this.#storage = storage;
  }

  /** The statement has run. */
  leave(): void {
    this.#mode = "internal";
  }

  /** Why a virtual table could not read what `work` compiles; null if it could, or if that is wrong anyway. */
  refusedUnseen(work: () => unknown): string | null {
    this.refusal = null;
    this.enter("SELECT", nothingObserved(), null);
    try {
      work();
    } catch (error) {
      if (isMomentary(error)) throw error;
      return this.refusal;
    } finally {
      this.leave();
    }
    return null;
  }

  /** Runs `work`, which is this software's own, in the middle of a user's statement. */
  internally<T>(work: () => T): T {
    const mode = this.#mode;
    this.#mode = "internal";
    try {
      return work();
    } finally {
      this.#mode = mode;
    }
  }

  /** Compiles a user's statement that begins with `keywords`. */
  examine<T>(keywords: readonly string[], work: () => T): T {
    this.#mode = "examine";
    this.#keyword = keywords[0] ?? "";
    this.#dropsTable = this.#keyword === "DROP" && keywords[1] === "TABLE";
    this.refusal = null;
    this.observed = nothingObserved();
    try {
      return work();
    } finally {
      this.#mode = "internal";
    }
  }

  /** The authorizer. */
  readonly authorize = (
    action: number,
    first: string | null,
    second: string | null,
    database: string | null,
    trigger: string | null,
  ): boolean => {
    if (this.#mode === "internal") return true;
    // SQLite compiles again what fills it when it has seen the parameters.
    const spools = this.#mode === "nested" && this.#readOnly &&
      action === Action.insert && database === "temp" && first === SPOOL_TABLE;
    const guard = spools || trigger?.startsWith(ROWID_GUARD) ||
      action === Action.dropTempTrigger && this.#dropsTable &&
        first!.startsWith(ROWID_GUARD);
    if (guard || this.#looksInLocks(action, first, second, trigger)) {
      return true;
    }
    // ALTER and DROP look into the temporary schema too, for what depends on the table.
    const temporary = isTemporary(action) ||
      (database === "temp" && !/^(ALTER|DROP)$/.test(this.#keyword));
    const refusal = temporary
      ? "Temporary objects are not allowed"
      : this.#refuse(action, first ?? "", second ?? "") ??
        this.#refuseUnseen(action, first ?? "", second ?? "");
    if (refusal !== null) {
      this.refusal ??= refusal;
      return false;
    }
    if (this.#mode === "nested") return true;
    this.#observe(action, first ?? "", second ?? "", trigger);
    return true;
  };

  /** What the view of locks does where it is read: a common table expression called like it may do no more than others. */
  #looksInLocks(
    action: number,
    first: string | null,
    second: string | null,
    trigger: string | null,
  ): boolean {
    // As the text spells it.
    if (trigger?.toLowerCase() !== LOCKS_VIEW) return false;
    const own = action === Action.read
      ? first!.startsWith(RESERVED_PREFIX)
      : action === Action.function && second!.startsWith(RESERVED_PREFIX);
    if (own && this.#mode === "examine") this.observed.reads.add(LOCKS_VIEW);
    return own;
  }

  #refuse(action: number, first: string, second: string): string | null {
    const name = first.toLowerCase();
    const walk = refuseWalk(action, name);
    if (walk !== null) return this.#readOnly ? refuseWrite(action) : walk;
    if (
      (name.startsWith(RESERVED_PREFIX) ||
        second.toLowerCase().startsWith(RESERVED_PREFIX)) &&
      !(action === Action.read && this.#isShown(name))
    ) {
      return `Names that begin with ${RESERVED_PREFIX} are reserved: ${first}`;
    }
    if (
      (name === LOCKS_VIEW || second.toLowerCase() === LOCKS_VIEW) &&
      (SCHEMA_ACTIONS.has(action) || isChange(action))
    ) return `${LOCKS_VIEW} can only be read`;
    switch (action) {
      case Action.transaction:
      case Action.savepoint:
        return "BEGIN, COMMIT, ROLLBACK and SAVEPOINT are not allowed; send the statements as one transaction";
      case Action.attach:
      case Action.detach:
        return "ATTACH and DETACH are not allowed";
      case Action.pragma:
        return this.#refusePragma(name, second);
      case Action.function:
        return this.#refuseFunction(second);
      case Action.read:
        return this.#refuseRead(name, second);
    }
    // An R-Tree that is opened compiles all that it may ever need; nothing of a query can write.
    if (this.#readOnly && this.#mode === "nested" && isChange(action)) {
      return null;
    }
    return this.#readOnly
      ? refuseWrite(action)
      : this.#refuseChange(action, name, second);
  }

  /** Of this software's own tables: what a write may read, too, is kept for ever, and the same for all. */
  #isShown(table: string): boolean {
    return table === `${RESERVED_PREFIX}migrations` ||
      this.#readOnly && SHOWN_TO_QUERIES.has(table);
  }

  /** What a virtual table must not do, though the statement may: SQLite may also compile the statement itself again. */
  #refuseUnseen(
    action: number,
    first: string,
    second: string,
  ): string | null {
    if (this.#mode !== "nested") return null;
    const { counters, reads, writes } = this.#own;
    if (action === Action.function) {
      return counters || !COUNTERS.has(second.toLowerCase())
        ? null
        : `${second}() is not allowed in what a virtual table reads`;
    }
    const name = foldName(first);
    if (action === Action.read) {
      return name.startsWith("pragma_") && !reads.has(name)
        ? `${first} is not allowed in what a virtual table reads`
        : null;
    }
    const changes = !this.#readOnly && isChange(action) &&
      DATA_KEYWORDS.has(this.#keyword);
    return !changes || writes.has(first) || this.#storage?.has(name)
      ? null
      : `A virtual table may not write to ${first}`;
  }

  #refuseChange(action: number, name: string, second: string): string | null {
    if (
      action === Action.createVirtualTable &&
      !MODULES.has(second.toLowerCase())
    ) {
      return `Virtual tables of this kind are not allowed: ${second}`;
    }
    const changesRows = action === Action.insert || action === Action.update ||
      action === Action.delete;
    if (
      changesRows && name.startsWith("sqlite_stat") &&
      DATA_KEYWORDS.has(this.#keyword)
    ) return `${name} may not be modified`;
    return null;
  }

  #refusePragma(name: string, argument: string): string | null {
    // Full-text search looks at these by itself; a user's statement begins with PRAGMA.
    const ofSearch = name === "data_version" ||
      name === "page_size" && argument === "";
    if (ofSearch && this.#keyword !== "PRAGMA") return null;
    if (this.#asksItself(name)) return null;
    const allowed = this.#readOnly ? READER_PRAGMAS : WRITER_PRAGMAS;
    if (!allowed.has(name)) return `PRAGMA ${name} is not allowed here`;
    const asks = argument === "" || QUESTION_PRAGMAS.has(name) ||
      name === "defer_foreign_keys";
    if (asks) return null;
    return name === "foreign_keys"
      ? "PRAGMA foreign_keys may not be set: they are always checked. Of a dump, send what is between BEGIN and COMMIT as one transaction, after PRAGMA defer_foreign_keys = ON"
      : `PRAGMA ${name} may not be set`;
  }

  /** ALTER TABLE ADD COLUMN has SQLite look whether the rows keep the new column's constraints; no user's text can say that there. */
  #asksItself(pragma: string): boolean {
    return pragma === "quick_check" && this.#keyword === "ALTER";
  }

  #refuseFunction(name: string): string | null {
    const lower = name.toLowerCase();
    if (FORBIDDEN_FUNCTIONS.has(lower)) return `${lower}() is not allowed`;
    if (this.#readOnly && lower === NOTIFY_FUNCTION) {
      return `${lower}() is not allowed in a query: it publishes, use execute`;
    }
    if (!this.#readOnly && MEMBER_FUNCTIONS.has(lower)) {
      return `${lower}() is not allowed in a write: members may differ in it`;
    }
    return null;
  }

  #refuseRead(table: string, column: string): string | null {
    if (table.startsWith("pragma_")) {
      const pragma = table.slice("pragma_".length);
      if (this.#asksItself(pragma)) return null;
      const allowed = this.#readOnly ? READER_PRAGMAS : WRITER_PRAGMAS;
      return allowed.has(pragma) ? null : `${table} is not allowed here`;
    }
    if (this.#readOnly) return null;
    if (PHYSICAL_TABLES.has(table)) {
      return `${table} is not allowed in a write: members differ in it`;
    }
    // SQLite itself reads some of it when it changes the schema.
    const asks = DATA_KEYWORDS.has(this.#keyword);
    const physical = column === "ROWID" && asks ||
      column === "rootpage" && (asks || this.#keyword === "CREATE");
    if (
      physical && (table === "sqlite_master" || table === "sqlite_schema")
    ) {
      return `${table}.${column} is not allowed in a write: members differ in it`;
    }
    return null;
  }

  #observe(
    action: number,
    first: string,
    second: string,
    trigger: string | null,
  ): void {
    const observed = this.observed;
    if (trigger !== null) observed.triggers = true;
    if (SCHEMA_ACTIONS.has(action)) {
      observed.schema = true;
      observed.touches.add(
        SCHEMA_ACTIONS_IN_TABLE.has(action) ? second : first,
      );
    }
    if (action === Action.read) observed.reads.add(foldName(first));
    if (action === Action.function) {
      const called = second.toLowerCase();
      if (COUNTERS.has(called)) observed.counters = true;
      if (called === TOKEN_FUNCTION) observed.reads.add(LOCKS_VIEW);
    }
    if (
      action === Action.pragma && first.toLowerCase() === "defer_foreign_keys"
    ) {
      observed.defersForeignKeys = true;
    }
    const own = first.startsWith("sqlite_") && first !== "sqlite_sequence";
    if (!isChange(action) || own) return;
    observed.data = true;
    observed.writes.add(first);
    if (trigger !== null) observed.indirect = true;
    else if (action === Action.insert) observed.insertsInto ??= first;
  }
}

function isChange(action: number): boolean {
  return action === Action.insert || action === Action.update ||
    action === Action.delete;
}

function isTemporary(action: number): boolean {
  return (action >= Action.createTempIndex &&
    action <= Action.createTempView) ||
    (action >= Action.dropTempIndex && action <= Action.dropTempView);
}

/**
 * REINDEX and ANALYZE may go through all tables, in an order that depends on when the connection read the schema: the
 * words must not name the first that is refused, or members say different ones.
 */
function refuseWalk(action: number, name: string): string | null {
  if (action === Action.analyze) {
    return "ANALYZE is not allowed: members could then choose different plans";
  }
  return action === Action.reindex && name.startsWith(RESERVED_PREFIX)
    ? `REINDEX is not allowed for what begins with ${RESERVED_PREFIX}, nor without a name: name a table or an index of yours`
    : null;
}

function refuseWrite(action: number): string | null {
  const harmless = action === Action.select || action === Action.recursive;
  return harmless ? null : "A query may not write; use execute";
}
