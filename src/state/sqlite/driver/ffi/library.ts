import { requireSqlite } from "../driver.ts";

const STATEMENT = ["pointer", "i32"] as const;

/** What a library has that `deno task sqlite` built: see `SqliteDriver.hearsInside`. */
export const HEARS_INTERRUPTS = "hiqlite_hears_interrupts";

/** The functions of SQLite that the driver calls; every library that is new enough has them. */
const SYMBOLS = {
  sqlite3_libversion: { parameters: [], result: "pointer" },
  sqlite3_threadsafe: { parameters: [], result: "i32" },
  sqlite3_hard_heap_limit64: { parameters: ["i64"], result: "i64" },

  sqlite3_open_v2: {
    parameters: ["buffer", "buffer", "i32", "pointer"],
    result: "i32",
  },
  sqlite3_close: { parameters: ["pointer"], result: "i32" },
  sqlite3_busy_timeout: { parameters: ["pointer", "i32"], result: "i32" },
  // Of a variable number of arguments; see `configure`.
  sqlite3_db_config: {
    parameters: ["pointer", "i32", "i64", "pointer"],
    result: "i32",
  },
  db_config_on_stack: {
    name: "sqlite3_db_config",
    // deno-fmt-ignore
    parameters: ["pointer", "i32", "i64", "i64", "i64", "i64", "i64", "i64", "i64", "pointer"],
    result: "i32",
  },
  sqlite3_db_status: {
    parameters: ["pointer", "i32", "buffer", "buffer", "i32"],
    result: "i32",
  },
  sqlite3_limit: { parameters: ["pointer", "i32", "i32"], result: "i32" },
  sqlite3_interrupt: { parameters: ["pointer"], result: "void" },
  sqlite3_get_autocommit: { parameters: ["pointer"], result: "i32" },
  sqlite3_changes64: { parameters: ["pointer"], result: "i64" },
  sqlite3_last_insert_rowid: { parameters: ["pointer"], result: "i64" },
  sqlite3_extended_errcode: { parameters: ["pointer"], result: "i32" },
  sqlite3_errmsg: { parameters: ["pointer"], result: "pointer" },
  sqlite3_errstr: { parameters: ["i32"], result: "pointer" },
  sqlite3_exec: {
    parameters: ["pointer", "buffer", "pointer", "pointer", "pointer"],
    result: "i32",
  },
  sqlite3_set_authorizer: {
    parameters: ["pointer", "function", "pointer"],
    result: "i32",
  },
  sqlite3_create_function_v2: {
    // deno-fmt-ignore
    parameters: ["pointer", "buffer", "i32", "i32", "pointer", "function", "pointer", "pointer", "pointer"],
    result: "i32",
  },

  sqlite3_backup_init: {
    parameters: ["pointer", "buffer", "pointer", "buffer"],
    result: "pointer",
  },
  sqlite3_backup_step: { parameters: ["pointer", "i32"], result: "i32" },
  sqlite3_backup_finish: { parameters: ["pointer"], result: "i32" },

  sqlite3_prepare_v3: {
    parameters: ["pointer", "buffer", "i32", "u32", "buffer", "buffer"],
    result: "i32",
  },
  sqlite3_sql: { parameters: ["pointer"], result: "pointer" },
  sqlite3_finalize: { parameters: ["pointer"], result: "i32" },
  sqlite3_step: { parameters: ["pointer"], result: "i32" },
  sqlite3_reset: { parameters: ["pointer"], result: "i32" },
  sqlite3_clear_bindings: { parameters: ["pointer"], result: "i32" },
  sqlite3_stmt_readonly: { parameters: ["pointer"], result: "i32" },
  sqlite3_bind_parameter_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_bind_parameter_name: { parameters: STATEMENT, result: "pointer" },
  sqlite3_bind_null: { parameters: STATEMENT, result: "i32" },
  sqlite3_bind_int64: {
    parameters: ["pointer", "i32", "i64"],
    result: "i32",
  },
  sqlite3_bind_double: {
    parameters: ["pointer", "i32", "f64"],
    result: "i32",
  },
  sqlite3_bind_text: {
    parameters: ["pointer", "i32", "buffer", "i32", "isize"],
    result: "i32",
  },
  sqlite3_bind_blob: {
    parameters: ["pointer", "i32", "buffer", "i32", "isize"],
    result: "i32",
  },
  sqlite3_bind_zeroblob: {
    parameters: ["pointer", "i32", "i32"],
    result: "i32",
  },

  sqlite3_column_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_data_count: { parameters: ["pointer"], result: "i32" },
  sqlite3_column_name: { parameters: STATEMENT, result: "pointer" },
  sqlite3_column_decltype: { parameters: STATEMENT, result: "pointer" },
  sqlite3_column_type: { parameters: STATEMENT, result: "i32" },
  sqlite3_column_int64: { parameters: STATEMENT, result: "i64" },
  sqlite3_column_double: { parameters: STATEMENT, result: "f64" },
  sqlite3_column_text: { parameters: STATEMENT, result: "pointer" },
  sqlite3_column_blob: { parameters: STATEMENT, result: "pointer" },
  sqlite3_column_bytes: { parameters: STATEMENT, result: "i32" },

  sqlite3_value_type: { parameters: ["pointer"], result: "i32" },
  sqlite3_value_int64: { parameters: ["pointer"], result: "i64" },
  sqlite3_value_double: { parameters: ["pointer"], result: "f64" },
  sqlite3_value_text: { parameters: ["pointer"], result: "pointer" },
  sqlite3_value_blob: { parameters: ["pointer"], result: "pointer" },
  sqlite3_value_bytes: { parameters: ["pointer"], result: "i32" },
  sqlite3_result_null: { parameters: ["pointer"], result: "void" },
  sqlite3_result_int64: { parameters: ["pointer", "i64"], result: "void" },
  sqlite3_result_double: { parameters: ["pointer", "f64"], result: "void" },
  sqlite3_result_text: {
    parameters: ["pointer", "buffer", "i32", "isize"],
    result: "void",
  },
  sqlite3_result_blob: {
    parameters: ["pointer", "buffer", "i32", "isize"],
    result: "void",
  },
  sqlite3_result_zeroblob: { parameters: ["pointer", "i32"], result: "void" },
  sqlite3_result_error: {
    parameters: ["pointer", "buffer", "i32"],
    result: "void",
  },
  sqlite3_result_error_code: {
    parameters: ["pointer", "i32"],
    result: "void",
  },

  [HEARS_INTERRUPTS]: { parameters: [], result: "i32", optional: true },
} as const;

/** Pointer to something inside of SQLite. */
export type Pointer = Deno.PointerObject;

/** SQLite's functions. */
export type Sqlite = Deno.DynamicLibrary<typeof SYMBOLS>["symbols"];

/** A loaded library. */
export interface Library {
  readonly sqlite: Sqlite;
  readonly version: string;
  /** As `SqliteDriver.hearsInside`. */
  readonly hearsInside: boolean;
}

/** Result codes and types that every file of the driver needs. */
export const Code = {
  ok: 0,
  error: 1,
  misuse: 21,
  noMemory: 7,
  range: 25,
  row: 100,
  done: 101,
} as const;

/** What a value is, for SQLite. */
export const Type = { integer: 1, real: 2, text: 3, blob: 4 } as const;

/** Tells SQLite to copy bytes before the call returns. */
export const COPY = -1n;

const loaded = new Map<string, Library>();

/**
 * Loads a library, once per thread; it stays for as long as the thread lives.
 * @throws {Error} naming the path, if it cannot be loaded, or is none of SQLite's, or too old, or not safe to use from threads.
 */
export function loadLibrary(path: string): Library {
  let library = loaded.get(path);
  if (library === undefined) {
    library = load(path);
    loaded.set(path, library);
  }
  return library;
}

function load(path: string): Library {
  const { symbols: sqlite } = openSymbols(path);
  const version = textAt(sqlite.sqlite3_libversion()!);
  requireSqlite(version);
  if (sqlite.sqlite3_threadsafe() === 0) {
    throw new Error(
      `The SQLite library ${path} was compiled for programs without threads (SQLITE_THREADSAFE=0); use another`,
    );
  }
  const hearsInside = sqlite[HEARS_INTERRUPTS] !== null;
  return { sqlite, version, hearsInside };
}

function openSymbols(path: string): Deno.DynamicLibrary<typeof SYMBOLS> {
  try {
    return Deno.dlopen(path, SYMBOLS);
  } catch (error) {
    throw new Error(
      `The SQLite library ${path} cannot be loaded: ${
        (error as Error).message
      }`,
      { cause: error },
    );
  }
}

/** The text at a pointer, up to its first NUL. */
export const textAt: (pointer: Pointer) => string =
  Deno.UnsafePointerView.getCString;

const ENCODER = new TextEncoder();

/** A text for C in memory of its own, with a NUL behind it. */
export function cText(text: string): Uint8Array<ArrayBuffer> {
  return ENCODER.encode(`${text}\0`);
}

const outBytes = new ArrayBuffer(8);
/** Where SQLite puts what it returns by reference: one address. */
export const OUT: Uint8Array<ArrayBuffer> = new Uint8Array(outBytes);
const outAddress = new BigUint64Array(outBytes);

/** The pointer that SQLite put into {@linkcode OUT}; null if there is none. */
export function outPointer(): Pointer | null {
  return Deno.UnsafePointer.create(outAddress[0]!);
}

/** Apple's arm64 passes arguments of a variable number on the stack, behind all that fit into registers. */
const ON_STACK = Deno.build.os === "darwin" && Deno.build.arch === "aarch64";

/** Turns a switch of a connection (`SQLITE_DBCONFIG_…`) on or off. */
export function configure(
  sqlite: Sqlite,
  connection: Pointer,
  option: number,
  on: boolean,
): void {
  const value = on ? 1n : 0n;
  if (!ON_STACK) {
    sqlite.sqlite3_db_config(connection, option, value, null);
    return;
  }
  // deno-fmt-ignore
  sqlite.db_config_on_stack(connection, option, 0n, 0n, 0n, 0n, 0n, 0n, value, null);
}
