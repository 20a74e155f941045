import { HiqliteError } from "../../../errors.ts";
import { type Entry, EntryKind, type LogIndex } from "../../../raft/types.ts";
import { isClock } from "../../envelope.ts";
import {
  createTables,
  type Position,
  positionWriter,
  readPosition,
  START,
} from "./bookkeeping.ts";
import { ContentsScan, IDLE_ROWS, LOOKED_ROWS } from "./contents_scan.ts";
import type { SqliteConnection } from "../driver/driver.ts";
import { isForeignKeyError } from "../driver/result_codes.ts";
import { Agreement, agrees, hashSqlAnswer } from "./agreement.ts";
import { EntryEvents } from "./entry_events.ts";
import type { HostedLocks } from "../locks/hosted_locks.ts";
import type { ApiToken } from "../../tokens/types.ts";
import { GrowthBound } from "./growth_bound.ts";
import { EntryRunner } from "./entry_runner.ts";
import { BatchUndone, EntryUndone } from "./entry_undone.ts";
import type { Interpreter } from "./interpreter.ts";
import { type Interrupts, undoSpared } from "../thread/interrupts.ts";
import type { SchemaChanges } from "../thread/schema_epoch.ts";
import {
  type Preparation,
  type PreparedEntry,
  PrepareFailedError,
} from "../../port.ts";
import { prepareFailure } from "./prepare_failure.ts";

/**
 * Applies entries to a database. A batch is one transaction, unless an entry in
 * it ends the transaction, or defers foreign keys to its end: then each entry is one. Both ways give the same data and answers.
 */
export class BatchApplier {
  readonly #connection: SqliteConnection;
  readonly #runner: EntryRunner;
  readonly #interpreter: Interpreter;
  readonly #epoch: SchemaChanges;
  #epochOf = 0;
  readonly #writePosition: (position: Position) => void;
  readonly #scan: ContentsScan;
  #position: Position;
  /** What is compared with other members. */
  readonly agreement: Agreement;
  /** What committed entries changed; to be taken after every {@linkcode apply}. */
  readonly events: EntryEvents = new EntryEvents();
  /** Answers of the first entries of a batch that was given up: they are committed. */
  #kept: Uint8Array[] = [];
  readonly #growth: GrowthBound;
  readonly #interrupts: Interrupts;
  readonly #limits: Parameters<typeof prepareFailure>[2];
  /** The entries of the open transaction, if they were prepared and their bookkeeping is not written yet. */
  #ran: { readonly first: LogIndex; readonly last: Entry } | null = null;
  /** What the open transaction ends with, if it was prepared. */
  #prepared: Position | null = null;

  /** Takes over `connection` (new or used by this class before); `originals` keeps SQLite's own functions. */
  constructor(
    connection: SqliteConnection,
    originals: SqliteConnection,
    options: {
      readonly statementCacheCapacity: number;
      readonly schemaEpoch: SchemaChanges;
      /** The newest feature level that this release knows. */
      readonly level: number;
      /** By how much one write may make the database grow, bytes. */
      readonly growthBytesMax: number;
      /** Whether the file system has room. */
      readonly hasRoom: () => boolean;
      readonly interrupts: Interrupts;
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
    this.agreement = new Agreement(position.hash);
    this.#scan = new ContentsScan(connection);
    this.#writePosition = positionWriter(connection);
    this.#growth = new GrowthBound(connection, options.growthBytesMax);
    this.#limits = options;
    this.#interrupts = options.interrupts;
    this.#runner = new EntryRunner(connection, originals, position, {
      ...options,
      tables: this.events.tables,
      topicEvents: this.events.topics,
      noteEvent: (...event) => this.events.add(...event),
    });
    this.#interpreter = this.#runner.interpreter;
  }

  /** What is committed. */
  get position(): Position {
    return this.#position;
  }

  /** Leases and locks as of what is committed. */
  get locks(): Pick<HostedLocks, "counts" | "nextDueMs"> {
    return this.#runner.locks;
  }

  /** The tokens of the API as of what is committed; another list once one of them is another. */
  get tokens(): readonly ApiToken[] {
    return this.#runner.tokens.committed;
  }

  /** The remembered answers in a canonical form; see `Sessions.dump`. */
  dumpSessions(): string {
    return this.#runner.commands.dump();
  }

  /**
   * Applies consecutive entries and commits; one encoded answer each, empty for noop and config entries.
   * After {@linkcode giveUp} it begins again with the first entry of that batch.
   * @throws an error that tells of this machine (or of a newer command version); nothing may be applied after it except by {@linkcode giveUp}.
   */
  apply(entries: readonly Entry[]): Uint8Array[] {
    if (this.events.renumber()) this.#interpreter.forgetSchema();
    this.#growth.lift();
    const answers = this.#kept;
    if (answers.length > 0) {
      answers.push(...this.#apply(entries.slice(answers.length)));
      this.#kept = [];
      return answers;
    }
    return this.#apply(entries);
  }

  /** Whether a batch was given up of which the first entries are committed. */
  get keepsAnswers(): boolean {
    return this.#kept.length > 0;
  }

  /** Rolls back what is not committed, so that the same entries can come again. */
  giveUp(): void {
    this.#undo();
  }

  /**
   * Runs commands as the entries that they will be, in a transaction that stays open; see `PreparingMachine`.
   * An entry that ends the transaction, or leaves foreign keys to COMMIT, ends the preparation before it.
   * `begins` hears the place of each before it runs.
   * @throws {PrepareFailedError} with nothing left open.
   * @throws an error that tells of this machine; after it nothing but {@linkcode giveUp}.
   */
  prepare(
    preparation: Preparation,
    begins: (at: number) => void,
  ): PreparedEntry[] {
    if (this.events.renumber()) this.#interpreter.forgetSchema();
    this.#growth.impose();
    for (let { payloads } = preparation;;) {
      const { outcomes, endsAt } = this.#prepare(
        { ...preparation, payloads },
        begins,
      );
      if (endsAt === null) return outcomes;
      this.#undo();
      if (endsAt === 0) return [{ kind: "alone" }];
      payloads = payloads.slice(0, endsAt);
    }
  }

  /**
   * Writes the bookkeeping of what {@linkcode prepare} left open, if that is to be done: once its outcomes are told, so
   * that nobody waits for it.
   */
  closePrepared(): void {
    const ran = this.#ran;
    if (ran === null) return;
    this.#prepared = this.#close(ran.first, ran.last);
    this.#ran = null;
  }

  /**
   * Commits what {@linkcode prepare} left open.
   * @throws {PrepareFailedError} if it cannot be committed as it is; nothing is left open then.
   */
  commitPrepared(): void {
    this.closePrepared();
    const position = this.#prepared;
    if (position === null) {
      throw new PrepareFailedError("internal", "No transaction is open", null);
    }
    try {
      this.#complete(position);
    } catch (error) {
      if (!(error instanceof EntryUndone)) throw error;
      this.#undo();
      throw new PrepareFailedError("internal", error.message, null);
    }
    this.#prepared = null;
  }

  /** Undoes what {@linkcode prepare} left open: sessions, counters, schema and statements are as before. */
  rollbackPrepared(): void {
    this.#undo();
  }

  /** `endsAt`: the place of an entry that cannot be part of this transaction, which must be undone then. */
  #prepare(
    { first, term, payloads }: Preparation,
    begins: (at: number) => void,
  ): { outcomes: PreparedEntry[]; endsAt: number | null } {
    this.#connection.command("BEGIN IMMEDIATE");
    const outcomes: PreparedEntry[] = [];
    let last: Entry | null = null;
    for (const [at, payload] of payloads.entries()) {
      begins(at);
      const index = first + at;
      const entry: Entry = { index, term, kind: EntryKind.command, payload };
      try {
        const answer = this.#runner.run(entry, null);
        const { defersForeignKeys, schema } = this.#interpreter;
        if (defersForeignKeys || schema.defersForeignKeys) {
          return { outcomes, endsAt: at };
        }
        const hash = this.#hashOf(answer);
        this.events.note(index, this.#runner.change);
        this.agreement.add(hash);
        this.#look(index, isClock(payload));
        outcomes.push({ kind: "prepared", answer, hash });
      } catch (error) {
        if (error instanceof EntryUndone) return { outcomes, endsAt: at };
        throw this.#failed(error, at);
      }
      last = entry;
    }
    if (last !== null) this.#ran = { first, last };
    return { outcomes, endsAt: null };
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

  /** What an error means that the entry at this place of a preparation failed with. */
  #failed(error: unknown, at: number): unknown {
    const failure = prepareFailure(error, at, this.#limits);
    if (failure !== null) this.#undo();
    return failure ?? error;
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
      answers.push(this.#hashed(entry, this.#runner.run(entry, null)));
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
    const answer = this.#runner.run(entry, undone);
    if (undone?.usedUp && !agrees(entry.payload, this.#hashOf(answer))) {
      // Its leader had room: a disk that is full at times is no answer.
      throw new HiqliteError(
        "disk_full",
        `There is no room to apply entry ${entry.index}`,
      );
    }
    this.#hashed(entry, answer);
    this.#commit(entry.index, entry);
    return answer;
  }

  /** Compares an answer with what the entry's leader answered, and adds it to the state's hash. */
  #hashed({ index, kind, payload }: Entry, answer: Uint8Array): Uint8Array {
    this.events.note(index, this.#runner.change);
    if (kind === EntryKind.command) {
      const hash = this.#hashOf(answer);
      this.agreement.compare(index, payload, hash);
      this.agreement.add(hash);
    }
    this.#look(index, kind === EntryKind.command && isClock(payload));
    return answer;
  }

  /** Of the answer, and of what the entry that has just run publishes. */
  #hashOf(answer: Uint8Array): number {
    return hashSqlAnswer(answer, this.#runner.topics.published);
  }

  /** Where members compare their states some rows of the contents are added first: many with an entry that nobody waits for. */
  #look(index: LogIndex, idle: boolean): void {
    const { agreement } = this;
    if (!idle && !agreement.comparesAt(index)) return;
    const rows = idle ? IDLE_ROWS : LOOKED_ROWS;
    agreement.note(
      index,
      this.#scan.next(this.#interpreter.schema, rows, agreement.hash),
    );
  }

  #commit(first: LogIndex, last: Entry): void {
    this.#complete(this.#close(first, last));
  }

  /** Writes the bookkeeping of entries into their transaction; it is ready to be committed. */
  #close(first: LogIndex, last: Entry): Position {
    const { commands, topics, config } = this.#runner;
    commands.save(first);
    topics.save();
    const position: Position = {
      applied: { term: last.term, index: last.index },
      timeMs: commands.timeMs,
      clockMs: commands.clockMs,
      horizon: commands.horizon,
      facts: commands.facts,
      hash: this.agreement.hash,
      config,
      retained: topics.retained,
    };
    this.#writePosition(position);
    return position;
  }

  #complete(position: Position): void {
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
    this.#interpreter.committed();
    this.events.commit();
    this.#runner.locks.commit();
    this.#runner.tokens.commit();
  }

  #undo(): void {
    undoSpared(this.#interrupts, () => this.#restore());
  }

  #restore(): void {
    this.#ran = null;
    this.#prepared = null;
    if (this.#connection.inTransaction) this.#connection.command("ROLLBACK");
    this.events.undo();
    this.#runner.reload(this.#position);
    this.agreement.undo(this.#position.hash);
  }
}
