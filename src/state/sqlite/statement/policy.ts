import { foldName } from "./text.ts";

/** Action codes of `sqlite3_set_authorizer`. */
const Action = {
  createIndex: 1,
  createTable: 2,
  createTempIndex: 3,
  createTempView: 6,
  createTrigger: 7,
  createView: 8,
  delete: 9,
  dropIndex: 10,
  dropTable: 11,
  dropTempIndex: 12,
  dropTempTrigger: 14,
  dropTempView: 15,
  dropTrigger: 16,
  dropView: 17,
  insert: 18,
  pragma: 19,
  read: 20,
  select: 21,
  transaction: 22,
  update: 23,
  attach: 24,
  detach: 25,
  alterTable: 26,
  reindex: 27,
  analyze: 28,
  createVirtualTable: 29,
  dropVirtualTable: 30,
  function: 31,
  savepoint: 32,
  recursive: 33,
} as const;

const SCHEMA_ACTIONS: ReadonlySet<number> = new Set([
  Action.createIndex,
  Action.createTable,
  Action.createTrigger,
  Action.createView,
  Action.dropIndex,
  Action.dropTable,
  Action.dropTrigger,
  Action.dropView,
  Action.alterTable,
  Action.createVirtualTable,
  Action.dropVirtualTable,
]);

/** PRAGMAs whose answer follows from the schema alone. */
const SCHEMA_PRAGMAS = [
  "table_info",
  "table_xinfo",
  "index_list",
  "index_info",
  "index_xinfo",
  "foreign_key_list",
];

const WRITER_PRAGMAS: ReadonlySet<string> = new Set([
  ...SCHEMA_PRAGMAS,
  "defer_foreign_keys",
]);

const READER_PRAGMAS: ReadonlySet<string> = new Set([
  ...SCHEMA_PRAGMAS,
  "table_list",
  "foreign_key_check",
  "integrity_check",
  "quick_check",
  "collation_list",
  "compile_options",
  "function_list",
  "module_list",
  "pragma_list",
  "page_count",
  "page_size",
  "freelist_count",
  "schema_version",
  "user_version",
  "application_id",
  "encoding",
]);

/** PRAGMAs whose argument says what to look at; an argument of any other would set something. */
const QUESTION_PRAGMAS: ReadonlySet<string> = new Set([
  ...SCHEMA_PRAGMAS,
  "table_list",
  "foreign_key_check",
  "integrity_check",
  "quick_check",
]);

/** Virtual tables that show the file, not the data: they differ between members. */
const PHYSICAL_TABLES: ReadonlySet<string> = new Set([
  "dbstat",
  "sqlite_dbpage",
  "sqlite_stmt",
  "bytecode",
  "tables_used",
  "completion",
]);

const MODULES: ReadonlySet<string> = new Set([
  "fts3",
  "fts4",
  "fts5",
  "fts5vocab",
  "rtree",
  "rtree_i32",
]);

/** Functions that reach outside of the data, for everybody. */
const FORBIDDEN_FUNCTIONS: ReadonlySet<string> = new Set([
  "load_extension",
  "fts3_tokenizer",
  "sqlite_log",
]);

/** Functions that differ between members or since when a member runs, for writes. */
const MEMBER_FUNCTIONS: ReadonlySet<string> = new Set([
  "sqlite_version",
  "sqlite_source_id",
  "sqlite_compileoption_get",
  "sqlite_compileoption_used",
  "sqlite_offset",
  "fts5_source_id",
  "total_changes",
  // Merges the index of FTS3, which another statement may be reading.
  "optimize",
]);

const DATA_KEYWORDS: ReadonlySet<string> = new Set([
  "INSERT",
  "REPLACE",
  "UPDATE",
  "DELETE",
  "WITH",
  "SELECT",
  "VALUES",
]);

/** The prefix of this software's own tables. */
export const RESERVED_PREFIX = "_hql_";

/** Begins the names of the temporary triggers that keep the largest rowids free; they go with their tables. */
export const ROWID_GUARD = `${RESERVED_PREFIX}rowid `;

/** What compiling a statement revealed. */
export interface Observed {
  /** It changes the schema. */
  schema: boolean;
  /** It inserts, updates or deletes rows, not counting the schema's own. */
  data: boolean;
  /** The table that the statement itself (no trigger) inserts into; null if none. */
  insertsInto: string | null;
  /** Tables whose rows it or its triggers insert; and tables whose rows they update, each with NUL and a column. */
  touches: Set<string>;
  /** Tables and views whose rows it, its triggers or its foreign keys change. */
  writes: Set<string>;
  /** A trigger changes rows, so that there may be changes when no row of its own table was. */
  indirect: boolean;
  /** A trigger of a table it changes inserts or updates rows. */
  triggers: boolean;
  /** It defers foreign keys to the end of the transaction. */
  defersForeignKeys: boolean;
  /** Tables it, or a virtual table that it opens, reads; folded. */
  reads: Set<string>;
}

/** Decides what a statement may do, and notes what it does. */
export class Policy {
  readonly #readOnly: boolean;
  #keyword = "";
  #dropsTable = false;
  #internal = true;
  /** Why the last statement was refused; null if it was not. */
  refusal: string | null = null;
  /** What the statement compiled last does. */
  observed: Observed = nothing();

  /** A policy for readers (`readOnly`) or for the writer. */
  constructor(options: { readonly readOnly: boolean }) {
    this.#readOnly = options.readOnly;
  }

  /** Compiles on behalf of this software, which may do anything. */
  internally<T>(work: () => T): T {
    this.#internal = true;
    return work();
  }

  /** Compiles a user's statement that begins with `keywords`. */
  examine<T>(keywords: readonly string[], work: () => T): T {
    this.#internal = false;
    this.#keyword = keywords[0] ?? "";
    this.#dropsTable = this.#keyword === "DROP" && keywords[1] === "TABLE";
    this.refusal = null;
    this.observed = nothing();
    try {
      return work();
    } finally {
      this.#internal = true;
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
    if (this.#internal) return true;
    const guard = action === Action.dropTempTrigger && this.#dropsTable &&
      first!.startsWith(ROWID_GUARD);
    if (guard) return true;
    // ALTER and DROP look into the temporary schema too, for what depends on the table.
    const temporary = isTemporary(action) ||
      (database === "temp" && !/^(ALTER|DROP)$/.test(this.#keyword));
    const refusal = temporary
      ? "Temporary objects are not allowed"
      : this.#refuse(action, first ?? "", second ?? "");
    if (refusal !== null) {
      this.refusal ??= refusal;
      return false;
    }
    this.#observe(action, first ?? "", second ?? "", trigger);
    return true;
  };

  #refuse(action: number, first: string, second: string): string | null {
    const name = first.toLowerCase();
    if (
      (name.startsWith(RESERVED_PREFIX) ||
        second.toLowerCase().startsWith(RESERVED_PREFIX)) &&
      !(action === Action.read && name === `${RESERVED_PREFIX}migrations`)
    ) {
      return `Names that begin with ${RESERVED_PREFIX} are reserved: ${first}`;
    }
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
    return this.#readOnly
      ? refuseWrite(action)
      : this.#refuseChange(action, name, second);
  }

  #refuseChange(action: number, name: string, second: string): string | null {
    if (action === Action.analyze) {
      return "ANALYZE is not allowed: members could then choose different plans";
    }
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
    // Full-text search looks at data_version by itself; a user's statement begins with PRAGMA.
    if (name === "data_version" && this.#keyword !== "PRAGMA") return null;
    if (this.#asksItself(name)) return null;
    const allowed = this.#readOnly ? READER_PRAGMAS : WRITER_PRAGMAS;
    if (!allowed.has(name)) return `PRAGMA ${name} is not allowed here`;
    const asks = argument === "" || QUESTION_PRAGMAS.has(name) ||
      name === "defer_foreign_keys";
    return asks ? null : `PRAGMA ${name} may not be set`;
  }

  /** ALTER TABLE ADD COLUMN has SQLite look whether the rows keep the new column's constraints; no user's text can say that there. */
  #asksItself(pragma: string): boolean {
    return pragma === "quick_check" && this.#keyword === "ALTER";
  }

  #refuseFunction(name: string): string | null {
    const lower = name.toLowerCase();
    if (FORBIDDEN_FUNCTIONS.has(lower)) return `${lower}() is not allowed`;
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
    if (SCHEMA_ACTIONS.has(action)) observed.schema = true;
    if (action === Action.read) observed.reads.add(foldName(first));
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
    if (action === Action.delete) return;
    if (action === Action.insert && trigger === null) {
      observed.insertsInto ??= first;
    }
    if (trigger !== null) observed.triggers = true;
    observed.touches.add(
      action === Action.update ? `${first}\0${second}` : first,
    );
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

function refuseWrite(action: number): string | null {
  const harmless = action === Action.select || action === Action.recursive;
  return harmless ? null : "A query may not write; use execute";
}

function nothing(): Observed {
  return {
    schema: false,
    data: false,
    insertsInto: null,
    touches: new Set(),
    writes: new Set(),
    indirect: false,
    triggers: false,
    defersForeignKeys: false,
    reads: new Set(),
  };
}
