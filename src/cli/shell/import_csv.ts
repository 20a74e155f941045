import { createReadStream } from "node:fs";
import { HiqliteError } from "../../errors.ts";
import { quotedName } from "../../state/sqlite/statement/text.ts";
import { CsvReader } from "./csv.ts";
import { columnsOf } from "./schema.ts";
import type { ShellSession } from "./shell_session.ts";

/** Rows of one transaction. */
const ROWS = 500;
/** Characters of one transaction, about. */
const CHARACTERS = 4 * 1024 * 1024;

/**
 * Puts the records of a file into a table, in transactions of up to 500 rows. A table that is not there is made, with
 * the names of the first record as columns of TEXT; into one that is there the first record goes, too.
 * What was written before an error stays: the error says how many rows.
 *
 * @returns the number of rows
 * @throws {HiqliteError}
 */
export async function importCsv(
  session: ShellSession,
  path: string,
  table: string,
): Promise<number> {
  const load = new Load(session, table);
  const reader = new CsvReader();
  const { signal } = session;
  try {
    for await (const piece of textOf(path)) {
      for (const record of reader.take(piece)) await load.add(record);
      signal.throwIfAborted();
    }
    const last = reader.end();
    if (last !== null) await load.add(last);
    await load.flush();
  } catch (error) {
    if (load.written === 0) throw error;
    session.say(`${load.written} rows were imported before the error`);
    throw error;
  }
  return load.written;
}

async function* textOf(path: string): AsyncGenerator<string> {
  try {
    yield* createReadStream(path, { encoding: "utf8" });
  } catch (cause) {
    if (cause instanceof HiqliteError) throw cause;
    throw new HiqliteError(
      "invalid",
      `${path} cannot be read: ${(cause as Error).message}`,
      { cause },
    );
  }
}

/** Records on their way into a table. */
class Load {
  /** Rows that are in the table. */
  written = 0;
  readonly #session: ShellSession;
  readonly #table: string;
  #columns: readonly string[] | null = null;
  #sql = "";
  #records: string[][] = [];
  #characters = 0;
  #line = 0;

  constructor(session: ShellSession, table: string) {
    this.#session = session;
    this.#table = table;
  }

  async add(record: string[]): Promise<void> {
    this.#line++;
    if (this.#columns === null && await this.#begin(record)) return;
    const expected = this.#columns!.length;
    if (record.length !== expected) {
      throw new HiqliteError(
        "invalid",
        `Record ${this.#line} has ${record.length} fields, and ${this.#table} has ${expected} columns`,
      );
    }
    this.#records.push(record);
    for (const field of record) this.#characters += field.length;
    if (this.#records.length >= ROWS || this.#characters >= CHARACTERS) {
      await this.flush();
    }
  }

  async flush(): Promise<void> {
    if (this.#records.length === 0) return;
    await this.#session.write(
      this.#records.map((params) => ({ sql: this.#sql, params })),
    );
    this.written += this.#records.length;
    this.#records = [];
    this.#characters = 0;
  }

  /** True if the record gave the columns of a new table. */
  async #begin(record: readonly string[]): Promise<boolean> {
    const there = await columnsOf(this.#session, this.#table);
    this.#columns = there.length > 0 ? there : record;
    const names = this.#columns.map(quotedName);
    if (there.length === 0) {
      await this.#session.write([
        `CREATE TABLE ${quotedName(this.#table)} (${
          names.map((name) => `${name} TEXT`).join(", ")
        })`,
      ]);
    }
    this.#sql = `INSERT INTO ${quotedName(this.#table)} (${
      names.join(", ")
    }) VALUES (${names.map(() => "?").join(", ")})`;
    return there.length === 0;
  }
}
