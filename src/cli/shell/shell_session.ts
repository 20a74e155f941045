import type { Client, RawRows, RemoteClient } from "../../client/remote.ts";
import { HiqliteError } from "../../errors.ts";
import type { SqlValue } from "../../state/sql/types.ts";
import { describeStatement } from "../../state/sqlite/statement/text.ts";
import type { Output } from "./output.ts";
import { render } from "./render.ts";
import { readReals, type ShownRows } from "./reals.ts";
import type { Settings } from "./settings.ts";

/** How a shell reaches another cluster, or another member. */
export type Reconnect = (url?: string) => RemoteClient;

/** What a shell has while it runs. */
export class ShellSession {
  readonly settings: Settings;
  readonly output: Output;
  /** Writes a line for a person: problems, times, hints. */
  readonly say: (line: string) => void;
  readonly #reach: Reconnect;
  readonly #timeoutMs: number;
  #client: RemoteClient;
  #working = new AbortController();
  /** Statements since BEGIN; null outside of a transaction. */
  #transaction: string[] | null = null;

  /** Speaks to the members that `reach` names; a statement waits for `timeoutMs` at most. */
  constructor(
    options: {
      readonly settings: Settings;
      readonly output: Output;
      readonly say: (line: string) => void;
      readonly reach: Reconnect;
      readonly timeoutMs: number;
    },
  ) {
    this.settings = options.settings;
    this.output = options.output;
    this.say = options.say;
    this.#reach = options.reach;
    this.#timeoutMs = options.timeoutMs;
    this.#client = options.reach();
  }

  /** The connection. */
  get client(): Client {
    return this.#client;
  }

  /** Ends when what is under way is cancelled. */
  get signal(): AbortSignal {
    return this.#working.signal;
  }

  /** Whether BEGIN was said, and not yet COMMIT or ROLLBACK. */
  get inTransaction(): boolean {
    return this.#transaction !== null;
  }

  /** Ends what is under way. */
  cancel(): void {
    this.#working.abort(
      new HiqliteError("timeout", "Cancelled; a write may have been applied"),
    );
    this.#working = new AbortController();
  }

  /** Speaks to another member from now on. */
  async open(url: string): Promise<void> {
    const client = this.#reach(url);
    await this.#client.shutdown();
    this.#client = client;
  }

  /** Ends the connection. */
  async close(): Promise<void> {
    this.output.close();
    await this.#client.shutdown();
  }

  /** Runs one statement and shows its rows. @throws {HiqliteError} */
  async run(sql: string): Promise<void> {
    const begun = performance.now();
    const [word = "", second = ""] = describeStatement(sql).keywords;
    const rows = await this.#answer(sql, word, second);
    this.show(rows);
    if (!this.settings.timer) return;
    this.say(`Took ${(performance.now() - begun).toFixed(1)} ms`);
  }

  /** Shows rows as the settings say. */
  show(rows: ShownRows): void {
    this.output.write(render(rows, this.settings));
  }

  /** Reads. @throws {HiqliteError} */
  read(sql: string): Promise<RawRows> {
    return this.client.queryRaw(sql, [], {
      consistency: this.settings.consistency,
      timeoutMs: this.#timeoutMs,
      signal: this.signal,
    });
  }

  /** Reads rows one by one, however many: all are of one moment. @throws {HiqliteError} */
  stream(sql: string): AsyncIterable<Readonly<Record<string, SqlValue>>> {
    return this.client.iterate<Readonly<Record<string, SqlValue>>>(sql, [], {
      consistency: this.settings.consistency,
      timeoutMs: this.#timeoutMs,
      signal: this.signal,
    });
  }

  /** Runs statements, all or nothing. @throws {HiqliteError} */
  async write(
    statements: Parameters<Client["txn"]>[0],
  ): Promise<void> {
    this.#mayWrite();
    await this.client.txn(statements, {
      timeoutMs: this.#timeoutMs,
      signal: this.signal,
    });
  }

  async #answer(
    sql: string,
    word: string,
    second: string,
  ): Promise<ShownRows> {
    switch (word) {
      case "BEGIN":
        return this.#begin();
      case "COMMIT":
      case "END":
        return await this.#commit();
      case "ROLLBACK":
        // Only a whole transaction is known here.
        if (second !== "TO") return this.#rollback();
    }
    if (this.#transaction !== null) {
      this.#transaction.push(sql);
      return NOTHING;
    }
    if (this.settings.plan && word !== "EXPLAIN") await this.#plan(sql);
    return await readReals(sql, word, (each) => this.read(each)) ??
      await this.#readOrWrite(sql);
  }

  /** Members know exactly what writes; so a statement is a query until they refuse it as one. */
  async #readOrWrite(sql: string): Promise<RawRows> {
    try {
      return await this.read(sql);
    } catch (error) {
      if (!isRefusal(error)) throw error;
      this.#mayWrite();
    }
    return await this.client.executeRaw(sql, [], {
      timeoutMs: this.#timeoutMs,
      signal: this.signal,
    });
  }

  #mayWrite(): void {
    if (this.settings.write) return;
    throw new HiqliteError(
      "forbidden",
      "Statements that write are refused here; `.write on`, or the option --write, allows them",
    );
  }

  #begin(): RawRows {
    if (this.#transaction !== null) {
      throw new HiqliteError("sql", "A transaction has begun already");
    }
    this.#transaction = [];
    return NOTHING;
  }

  async #commit(): Promise<RawRows> {
    const statements = this.#transaction;
    if (statements === null) {
      throw new HiqliteError("sql", "No transaction has begun");
    }
    this.#transaction = null;
    if (statements.length > 0) await this.write(statements);
    return NOTHING;
  }

  #rollback(): RawRows {
    if (this.#transaction === null) {
      throw new HiqliteError("sql", "No transaction has begun");
    }
    this.#transaction = null;
    return NOTHING;
  }

  async #plan(sql: string): Promise<void> {
    const { columns, rows } = await this.read(`EXPLAIN QUERY PLAN ${sql}`);
    const at = columns.indexOf("detail");
    for (const row of rows) this.say(`-- ${row[at]}`);
  }
}

const NOTHING: RawRows = { columns: [], rows: [] };

function isRefusal(error: unknown): boolean {
  return error instanceof HiqliteError && error.code === "forbidden";
}
