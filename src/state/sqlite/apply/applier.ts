import { crc32 } from "node:zlib";
import { type Entry, EntryKind, type LogIndex } from "../../../raft/types.ts";
import { MalformedBytesError, NO_BYTES } from "../../../util/bytes.ts";
import { bodyBytes, decodeCommand } from "../../sql/command.ts";
import { encodeResult } from "../../sql/result.ts";
import type {
  Command,
  CommandFailure,
  CommandResult,
} from "../../sql/types.ts";
import {
  createTables,
  type Position,
  positionWriter,
  readPosition,
  START,
  upgradeTables,
} from "./bookkeeping.ts";
import { overrideFunctions } from "./determinism.ts";
import { type SqliteConnection, SqliteError } from "../driver/driver.ts";
import { EntryEvents } from "./entry_events.ts";
import { EntryContext } from "./entry_context.ts";
import { EntryUndone, Interpreter } from "./interpreter.ts";
import type { SchemaEpoch } from "../thread/schema_epoch.ts";
import { PAUSE_MAX_MS, Sessions } from "./sessions.ts";
import type { StateHash } from "../../port.ts";

/** Answers above this are not kept for repetition, only the fact that the write was applied. */
const REMEMBERED_BYTES_MAX = 64 * 1024;
/** Members compare their states at multiples of this index. */
const HASH_EVERY = 256;
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
export class Applier {
  readonly #connection: SqliteConnection;
  readonly #context = new EntryContext();
  readonly #interpreter: Interpreter;
  readonly #sessions: Sessions;
  readonly #epoch: SchemaEpoch;
  #epochOf = 0;
  readonly #writePosition: (position: Position) => void;
  #position: Position;
  #timeMs: number;
  #ageMs: number;
  #config: Uint8Array;
  #hash: number;
  #hashes: StateHash[] = [];
  /** What committed entries changed; to be taken after every {@linkcode apply}. */
  readonly events: EntryEvents = new EntryEvents();
  /** Answers of the first entries of a batch that was given up: they are committed. */
  #kept: Uint8Array[] = [];

  /** Takes over `connection` (new or used by this class before); `originals` keeps SQLite's own functions. */
  constructor(
    connection: SqliteConnection,
    originals: SqliteConnection,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaEpoch;
    },
  ) {
    this.#connection = connection;
    this.#epoch = options.schemaEpoch;
    let position = readPosition(connection);
    if (position === null) {
      createTables(connection);
      position = START;
    } else upgradeTables(connection);
    this.#position = position;
    this.#timeMs = position.timeMs;
    this.#ageMs = position.ageMs;
    this.#config = position.config;
    this.#hash = position.hash;
    this.#writePosition = positionWriter(connection);
    this.#sessions = new Sessions(connection, position.horizon);
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
    return this.#sessions.dump();
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

  #alone(entry: Entry): Uint8Array {
    try {
      return this.#inTransaction(entry, null);
    } catch (error) {
      if (!(error instanceof EntryUndone)) throw error;
      this.#undo();
      return this.#inTransaction(entry, error);
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
    if (entry.index % HASH_EVERY === 0) {
      this.#hashes.push({ index: entry.index, hash: this.#hash });
    }
    return answer;
  }

  #commit(first: LogIndex, last: Entry): void {
    this.#sessions.save(first);
    const position: Position = {
      applied: { term: last.term, index: last.index },
      timeMs: this.#timeMs,
      ageMs: this.#ageMs,
      horizon: this.#sessions.horizon,
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
    this.#sessions.reload(this.#position.horizon);
    this.#timeMs = this.#position.timeMs;
    this.#ageMs = this.#position.ageMs;
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
        return this.#command(entry, undone);
    }
  }

  #command(entry: Entry, undone: EntryUndone | null): Uint8Array {
    const { index, payload } = entry;
    let command: Command;
    try {
      command = decodeCommand(payload);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return failed(index, "invalid", "The command is malformed");
    }
    const now = Math.max(this.#timeMs, command.timeMs);
    // A clock that jumps must not make anybody forget: a repeated write would be applied twice.
    this.#ageMs += Math.min(now - this.#timeMs, PAUSE_MAX_MS);
    this.#timeMs = now;
    this.#sessions.expire(this.#ageMs);
    if (command.body.kind === "openSession" && command.session !== 0) {
      return failed(index, "invalid", "A session cannot open a session");
    }
    const hash = command.idempotencyKey === "" ? 0 : hashOf(bodyBytes(payload));
    const known = this.#sessions.recognize(
      command,
      hash,
      index,
      this.#ageMs,
    );
    switch (known.kind) {
      case "repeated":
        return known.answer;
      case "expired":
        if (command.body.kind === "closeSession") break;
        return failed(index, "session_expired", known.message);
      case "mismatch":
        return failed(index, "conflict", known.message);
    }
    this.#context.begin(index, now, command.seed);
    const answer = encodeResult(this.#perform(command, index, undone), index);
    this.#sessions.remember(
      command,
      hash,
      index,
      this.#ageMs,
      rememberable(answer, index),
    );
    return answer;
  }

  #perform(
    command: Command,
    index: LogIndex,
    undone: EntryUndone | null,
  ): CommandResult {
    switch (command.body.kind) {
      case "openSession":
        this.#sessions.open(index, this.#ageMs);
        return { ok: true, results: [] };
      case "closeSession":
        this.#sessions.close(command.session);
        return { ok: true, results: [] };
      default:
        return this.#interpreter.run(command.body, {
          index,
          timeMs: this.#timeMs,
          undone,
        });
    }
  }
}

function failed(
  index: LogIndex,
  code: CommandFailure["code"],
  message: string,
): Uint8Array {
  return encodeResult(
    { ok: false, error: { code, message }, results: [] },
    index,
  );
}

function rememberable(answer: Uint8Array, index: LogIndex): Uint8Array {
  if (answer.length <= REMEMBERED_BYTES_MAX) return answer;
  return failed(
    index,
    "too_large",
    `The write was applied; its answer of ${answer.length} bytes is too large to be repeated`,
  );
}

function isForeignKeyError(error: unknown): boolean {
  return error instanceof SqliteError &&
    error.code === SQLITE_CONSTRAINT_FOREIGNKEY;
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
