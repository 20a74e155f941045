import { crc32 } from "node:zlib";
import { type Entry, EntryKind, type LogIndex } from "../../../raft/types.ts";
import { MalformedBytesError, NO_BYTES } from "../../../util/bytes.ts";
import { encodeAnswer } from "../../answer.ts";
import { type Envelope, isClock } from "../../envelope.ts";
import { ExactlyOnce } from "../../exactly_once.ts";
import { decodeCommand } from "../../sql/command.ts";
import { writeResult } from "../../sql/result.ts";
import type { CommandBody, CommandResult } from "../../sql/types.ts";
import {
  createTables,
  type Position,
  positionWriter,
  readPosition,
  START,
} from "./bookkeeping.ts";
import { ContentsScan } from "./contents_scan.ts";
import { overrideFunctions } from "./determinism.ts";
import { type SqliteConnection, SqliteError } from "../driver/driver.ts";
import { EntryEvents } from "./entry_events.ts";
import { EntryContext } from "./entry_context.ts";
import { EntryUndone, Interpreter } from "./interpreter.ts";
import type { SchemaChanges } from "../thread/schema_epoch.ts";
import { SqliteSessionStore } from "./session_store.ts";
import type { StateHash } from "../../port.ts";

/** Members compare their states at multiples of this index. */
const HASH_EVERY = 256;
/** Rows that are looked at then. */
const LOOKED_ROWS = 32;
/** Rows that are looked at with an entry that nobody waits for. */
const IDLE_ROWS = 2048;
const SQLITE_CONSTRAINT_FOREIGNKEY = 787;

/** The batch must be applied again, an entry per transaction. */
class BatchUndone extends Error {
  override readonly name = "BatchUndone";
}

/**
 * Applies entries to a database. A batch is one transaction, unless an entry in
 * it ends the transaction, or defers foreign keys to its end: then each entry is one. Both ways
 * give the same data and the same answers.
 */
export class BatchApplier {
  readonly #connection: SqliteConnection;
  readonly #context = new EntryContext();
  readonly #interpreter: Interpreter;
  readonly #commands: ExactlyOnce;
  readonly #epoch: SchemaChanges;
  #epochOf = 0;
  readonly #writePosition: (position: Position) => void;
  readonly #scan: ContentsScan;
  #position: Position;
  #config: Uint8Array;
  #hash: number;
  #hashes: StateHash[] = [];
  /** What committed entries changed; to be taken after every {@linkcode apply}. */
  readonly events: EntryEvents = new EntryEvents();
  /** How an earlier attempt at the present entry ended. */
  #undone: EntryUndone | null = null;
  /** Answers of the first entries of a batch that was given up: they are committed. */
  #kept: Uint8Array[] = [];

  /** Takes over `connection` (new or used by this class before); `originals` keeps SQLite's own functions. */
  constructor(
    connection: SqliteConnection,
    originals: SqliteConnection,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaChanges;
      /** The newest feature level that this release knows. */
      readonly level: number;
    },
  ) {
    this.#connection = connection;
    this.#epoch = options.schemaEpoch;
    let position = readPosition(connection);
    if (position === null) {
      createTables(connection);
      position = START;
    }
    this.#position = position;
    this.#config = position.config;
    this.#hash = position.hash;
    this.#scan = new ContentsScan(connection);
    this.#writePosition = positionWriter(connection);
    this.#commands = new ExactlyOnce(
      new SqliteSessionStore(connection),
      position,
      (envelope, index, timeMs) => this.#perform(envelope, index, timeMs),
      { level: options.level },
    );
    overrideFunctions(connection, originals, this.#context);
    this.#interpreter = new Interpreter(
      connection,
      this.#context,
      options.statementCacheCapacity,
      this.events.tables,
    );
  }

  /** What is committed. */
  get position(): Position {
    return this.#position;
  }

  /** Hashes of the state at fixed indexes, reached since the last call. */
  takeHashes(): readonly StateHash[] {
    const { applied } = this.#position;
    const reached = this.#hashes.filter(({ index }) => index <= applied.index);
    // An entry that was applied again has left its mark twice; the last one counts.
    this.#hashes = [];
    return reached;
  }

  /** The remembered answers in a canonical form; see `Sessions.dump`. */
  dumpSessions(): string {
    return this.#commands.dump();
  }

  /**
   * Applies consecutive entries and commits; one encoded answer each, empty for noop and config entries.
   * After {@linkcode giveUp} it begins again with the first entry of that batch.
   * @throws an error that tells of this machine (or of a newer command version); nothing may be applied after it except by {@linkcode giveUp}.
   */
  apply(entries: readonly Entry[]): Uint8Array[] {
    if (this.events.renumber()) this.#interpreter.forgetSchema();
    const answers = this.#kept;
    if (answers.length > 0) {
      answers.push(...this.#apply(entries.slice(answers.length)));
      this.#kept = [];
      return answers;
    }
    return this.#apply(entries);
  }

  /** Rolls back what is not committed, so that the same entries can come again. */
  giveUp(): void {
    this.#undo();
  }

  #apply(entries: readonly Entry[]): Uint8Array[] {
    if (entries.length === 0) return [];
    if (!this.#interpreter.schema.defersForeignKeys) {
      try {
        return this.#together(entries);
      } catch (error) {
        const alone = error instanceof BatchUndone ||
          error instanceof EntryUndone;
        if (!alone) throw error;
        this.#undo();
      }
    }
    return this.#oneByOne(entries);
  }

  #oneByOne(entries: readonly Entry[]): Uint8Array[] {
    const answers: Uint8Array[] = [];
    try {
      for (const entry of entries) answers.push(this.#alone(entry));
      return answers;
    } catch (error) {
      this.#kept.push(...answers);
      throw error;
    }
  }

  #together(entries: readonly Entry[]): Uint8Array[] {
    this.#connection.command("BEGIN IMMEDIATE");
    const answers: Uint8Array[] = [];
    for (const entry of entries) {
      answers.push(this.#hashed(entry, this.#entry(entry, null)));
      if (this.#interpreter.defersForeignKeys) throw new BatchUndone();
    }
    this.#commit(entries[0]!.index, entries.at(-1)!);
    return answers;
  }

  /** What is kept of an entry that ended its transaction may owe a foreign key, so that COMMIT undoes that, too: each attempt keeps less. */
  #alone(entry: Entry): Uint8Array {
    for (let undone: EntryUndone | null = null;;) {
      try {
        return this.#inTransaction(entry, undone);
      } catch (error) {
        const again: boolean = error instanceof EntryUndone &&
          (undone === null || error.keep < undone.keep);
        if (!again) throw error;
        this.#undo();
        undone = error as EntryUndone;
      }
    }
  }

  #inTransaction(entry: Entry, undone: EntryUndone | null): Uint8Array {
    this.#connection.command("BEGIN IMMEDIATE");
    const answer = this.#hashed(entry, this.#entry(entry, undone));
    this.#commit(entry.index, entry);
    return answer;
  }

  #hashed(entry: Entry, answer: Uint8Array): Uint8Array {
    this.#hash = crc32(answer, this.#hash);
    this.events.note(entry.index, this.#interpreter.change);
    if (isIdle(entry)) this.#look(entry.index, IDLE_ROWS);
    else if (entry.index % HASH_EVERY === 0) {
      this.#look(entry.index, LOOKED_ROWS);
    }
    return answer;
  }

  /** Adds some rows of the contents to the checksum, and notes that. */
  #look(index: LogIndex, rows: number): void {
    const { schema } = this.#interpreter;
    const seen = this.#scan.next(schema, rows, this.#hash);
    this.#hash = seen.hash;
    this.#hashes.push({ index, hash: seen.hash, table: seen.table });
  }

  #commit(first: LogIndex, last: Entry): void {
    this.#commands.save(first);
    const position: Position = {
      applied: { term: last.term, index: last.index },
      timeMs: this.#commands.timeMs,
      clockMs: this.#commands.clockMs,
      horizon: this.#commands.horizon,
      facts: this.#commands.facts,
      hash: this.#hash,
      config: this.#config,
    };
    this.#writePosition(position);
    const changes = this.#interpreter.schemaChanges;
    if (changes !== this.#epochOf) this.#epoch.beginChange();
    try {
      this.#connection.command("COMMIT");
    } catch (error) {
      if (!isForeignKeyError(error)) throw error;
      throw new EntryUndone(
        { code: "constraint", message: "FOREIGN KEY constraint failed" },
        0,
      );
    } finally {
      if (changes !== this.#epochOf) this.#epoch.endChange();
      this.#epochOf = changes;
    }
    this.#position = position;
    this.events.commit();
  }

  #undo(): void {
    if (this.#connection.inTransaction) this.#connection.command("ROLLBACK");
    this.events.undo();
    this.#interpreter.forgetSchema();
    this.#commands.reload(this.#position);
    this.#config = this.#position.config;
    this.#hash = this.#position.hash;
  }

  #entry(entry: Entry, undone: EntryUndone | null): Uint8Array {
    this.#interpreter.begin();
    switch (entry.kind) {
      case EntryKind.noop:
        return NO_BYTES;
      case EntryKind.config:
        this.#config = entry.payload;
        return NO_BYTES;
      case EntryKind.command:
        this.#undone = undone;
        return this.#commands.apply(entry.index, entry.payload);
    }
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
    return this.#interpreter.run(body, {
      index,
      timeMs,
      undone: this.#undone,
    });
  }
}

function isIdle({ kind, payload }: Entry): boolean {
  return kind === EntryKind.command && isClock(payload);
}

function isForeignKeyError(error: unknown): boolean {
  return error instanceof SqliteError &&
    error.code === SQLITE_CONSTRAINT_FOREIGNKEY;
}
