import { type Entry, EntryKind, type LogIndex } from "../../../raft/types.ts";
import { MalformedBytesError, NO_BYTES } from "../../../util/bytes.ts";
import { encodeAnswer } from "../../answer.ts";
import type { Envelope } from "../../envelope.ts";
import { ExactlyOnce } from "../../exactly_once.ts";
import { decodeCommand } from "../../sql/command.ts";
import { writeResult } from "../../sql/result.ts";
import type { CommandBody, CommandResult } from "../../sql/types.ts";
import type { SqliteConnection } from "../driver/driver.ts";
import type { Position } from "./bookkeeping.ts";
import { overrideFunctions } from "./determinism.ts";
import { EntryContext } from "./entry_context.ts";
import { type EntryUndone, Interpreter } from "./interpreter.ts";
import { SqliteSessionStore } from "./session_store.ts";
import type { TableSets } from "./table_sets.ts";

/** Runs one entry in the transaction that is open. */
export class EntryRunner {
  readonly #context = new EntryContext();
  /** Runs its command. */
  readonly interpreter: Interpreter;
  /** Sessions, clock and facts. */
  readonly commands: ExactlyOnce;
  /** The last configuration entry's payload. */
  config: Uint8Array;
  /** How an earlier attempt at the present entry ended. */
  #undone: EntryUndone | null = null;

  /** Goes on from `position`; see `BatchApplier`. */
  constructor(
    connection: SqliteConnection,
    originals: SqliteConnection,
    position: Position,
    options: {
      readonly statementCacheCapacity: number;
      readonly level: number;
      readonly tables: TableSets;
    },
  ) {
    this.config = position.config;
    this.commands = new ExactlyOnce(
      new SqliteSessionStore(connection),
      position,
      (envelope, index, timeMs) => this.#perform(envelope, index, timeMs),
      { level: options.level },
    );
    overrideFunctions(connection, originals, this.#context);
    this.interpreter = new Interpreter(
      connection,
      this.#context,
      options.statementCacheCapacity,
      options.tables,
    );
  }

  /** Its answer; `undone` tells how an earlier attempt at it ended. */
  run(entry: Entry, undone: EntryUndone | null): Uint8Array {
    this.interpreter.begin();
    switch (entry.kind) {
      case EntryKind.noop:
        return NO_BYTES;
      case EntryKind.config:
        this.config = entry.payload;
        return NO_BYTES;
      case EntryKind.command:
        this.#undone = undone;
        return this.commands.apply(entry.index, entry.payload);
    }
  }

  /** The transaction was rolled back: goes on from `position` again. */
  reload(position: Position): void {
    this.interpreter.forgetSchema();
    this.commands.reload(position);
    this.config = position.config;
  }

  #perform(envelope: Envelope, index: LogIndex, timeMs: number): Uint8Array {
    this.#context.begin(index, timeMs, envelope.seed);
    const result = this.#run(envelope.body, index, timeMs);
    return encodeAnswer(index, (writer) => writeResult(writer, result));
  }

  #run(bytes: Uint8Array, index: LogIndex, timeMs: number): CommandResult {
    let body: CommandBody;
    try {
      body = decodeCommand(bytes);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      const message = "The command is malformed";
      return { ok: false, error: { code: "invalid", message }, results: [] };
    }
    return this.interpreter.run(body, { index, timeMs, undone: this.#undone });
  }
}
