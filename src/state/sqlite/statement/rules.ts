/** Action codes of `sqlite3_set_authorizer`. */
export const Action = {
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

/** The view that shows who holds which lock: this software's own, and the one thing through which users' SQL reads its tables. */
export const LOCKS_VIEW = "hql_locks";

/** The function that asks this view for a token. */
export const TOKEN_FUNCTION = "hql_token";

/** Actions that change the schema. */
export const SCHEMA_ACTIONS: ReadonlySet<number> = new Set([
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

/** Those of them that name the table second: what is made, altered or dropped belongs to it. */
export const SCHEMA_ACTIONS_IN_TABLE: ReadonlySet<number> = new Set([
  Action.createIndex,
  Action.createTrigger,
  Action.dropIndex,
  Action.dropTrigger,
  Action.alterTable,
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

/** PRAGMAs of a write. */
export const WRITER_PRAGMAS: ReadonlySet<string> = new Set([
  ...SCHEMA_PRAGMAS,
  "defer_foreign_keys",
  "foreign_keys",
]);

/** PRAGMAs of a query. */
export const READER_PRAGMAS: ReadonlySet<string> = new Set([
  ...SCHEMA_PRAGMAS,
  "foreign_keys",
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
export const QUESTION_PRAGMAS: ReadonlySet<string> = new Set([
  ...SCHEMA_PRAGMAS,
  "table_list",
  "foreign_key_check",
  "integrity_check",
  "quick_check",
]);

/** Virtual tables that show the file, not the data: they differ between members. */
export const PHYSICAL_TABLES: ReadonlySet<string> = new Set([
  "dbstat",
  "sqlite_dbpage",
  "sqlite_stmt",
  "bytecode",
  "tables_used",
  "completion",
]);

/** Kinds of virtual tables that are allowed. */
export const MODULES: ReadonlySet<string> = new Set([
  "fts3",
  "fts4",
  "fts5",
  "fts5vocab",
  "rtree",
  "rtree_i32",
]);

/** Functions that reach outside of the data, for everybody. */
export const FORBIDDEN_FUNCTIONS: ReadonlySet<string> = new Set([
  "load_extension",
  "fts3_tokenizer",
  "sqlite_log",
]);

/** Publishes an event; for writes. */
export const NOTIFY_FUNCTION = "hql_notify";

/** The table of what was published, as queries may read it. */
export const EVENTS_TABLE_NAME = "_hql_events";

/** Where backups are remembered. */
export const BACKUPS_TABLE_NAME = "_hql_backups";

/** What was done from dashboards, and who signed out. */
export const AUDIT_TABLE_NAMES = ["_hql_audit", "_hql_signed_out"] as const;

/** What of the log is archived. */
const ARCHIVE_TABLE_NAME = "_hql_archive";

/** This software's own tables that queries may read, and writes may not. */
export const SHOWN_TO_QUERIES: ReadonlySet<string> = new Set([
  EVENTS_TABLE_NAME,
  BACKUPS_TABLE_NAME,
  ...AUDIT_TABLE_NAMES,
  ARCHIVE_TABLE_NAME,
]);

/** Functions that differ between members or since when a member runs, for writes. */
export const MEMBER_FUNCTIONS: ReadonlySet<string> = new Set([
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

/** How statements begin that have to do with rows. */
export const DATA_KEYWORDS: ReadonlySet<string> = new Set([
  "INSERT",
  "REPLACE",
  "UPDATE",
  "DELETE",
  "WITH",
  "SELECT",
  "VALUES",
]);

/** Functions that tell what ran before on this connection. */
export const COUNTERS: ReadonlySet<string> = new Set([
  "changes",
  "last_insert_rowid",
  "total_changes",
]);
