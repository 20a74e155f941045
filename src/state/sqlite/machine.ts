import type { Entry, LogId, LogIndex } from "../../raft/types.ts";
import { assert } from "../../util/assert.ts";
import type { Logger } from "../../util/logger.ts";
import { type ClusterFacts, FIRST_FACTS } from "../cluster_facts.ts";
import { type LockReport, NOTHING_LOCKED } from "../locks/types.ts";
import type { ApiToken } from "../tokens/types.ts";
import {
  type ApplyDone,
  NO_EVENTS,
  type Preparation,
  type PrepareDone,
  type PreparingMachine,
  type Snapshot,
  type SnapshotSink,
  type StateEvents,
  type StateHash,
  type StatePosition,
  type StuckEntry,
  WriterLostError,
} from "../port.ts";
import type {
  Observation,
  SqlEngine,
  SqlMachine,
  SqlQuery,
} from "../sql/port.ts";
import type { RetainedEvents } from "../topics/event.ts";
import type { QueryResult, RowStream, SqlParameters } from "../sql/types.ts";
import { logEntries, logStatements } from "./apply/statement_log.ts";
import type * as Writer from "./apply/writer_protocol.ts";
import type { WriterThread } from "./apply/writer_thread.ts";
import type { SqliteDriverSpec } from "./driver/driver.ts";
import { openDriver } from "./driver/open_driver.ts";
import type { DatabaseFiles } from "./files/files.ts";
import { Removals } from "./files/removals.ts";
import {
  buildSnapshot,
  checkDatabase,
  FileSink,
} from "./files/snapshot_files.ts";
import type { Losses } from "./losses.ts";
import type { SqliteMachineOptions } from "./options.ts";
import type { SqliteMachineParts } from "./parts.ts";
import type { Readers } from "./read/readers.ts";
import { StateHashes } from "../state_hashes.ts";
import type { SchemaEpoch } from "./thread/schema_epoch.ts";
import { closedError } from "./thread/answers.ts";

/** SQLite as a replicated state machine: a writer in a process or a Worker, reader Workers, and a reader on the caller's thread. */
export class SqliteMachine implements SqlMachine, PreparingMachine {
  readonly files: DatabaseFiles;
  readonly #writer: WriterThread;
  readonly #readers: Readers;
  readonly #epoch: SchemaEpoch;
  readonly #driver: SqliteDriverSpec;
  readonly #losses: Losses;
  readonly #removals = new Removals();
  readonly #hashes = new StateHashes();
  readonly #logger: Logger;
  readonly #logStatements: boolean;
  readonly #ending = new AbortController();
  #reached: Writer.KnownPosition;
  #locks: LockReport;
  #tokens: readonly ApiToken[];
  #sink: FileSink | null = null;
  #names = 0;
  #building = false;
  #closed = false;

  /** Use `openSqliteMachine`. */
  constructor(
    parts: SqliteMachineParts,
    found: Writer.ReachedPosition,
    { logger, logStatements = false }: SqliteMachineOptions,
  ) {
    this.files = parts.files;
    this.#writer = parts.writer;
    this.#readers = parts.readers;
    this.#epoch = parts.schemaEpoch;
    this.#driver = parts.driver;
    this.#losses = parts.losses;
    this.#reached = { ...found, facts: found.facts ?? FIRST_FACTS };
    this.#locks = found.locks ?? NOTHING_LOCKED;
    this.#tokens = found.tokens ?? [];
    this.#logger = logger;
    this.#logStatements = logStatements;
  }

  /** See `StateMachine`. */
  get applied(): LogId {
    return this.#reached.applied;
  }

  /** See `StateMachine`. */
  get clockMs(): number {
    return this.#reached.clockMs;
  }

  /** See `SqlMachine`. */
  get position(): StatePosition {
    return this.#reached;
  }

  /** See `SqlMachine`. */
  get facts(): ClusterFacts {
    return this.#reached.facts;
  }

  /** See `SqlMachine`. */
  get retainedEvents(): RetainedEvents {
    return this.#reached.retained;
  }

  /** See `SqlMachine`. */
  get locks(): LockReport {
    return this.#locks;
  }

  /** See `SqlMachine`. */
  get tokens(): readonly ApiToken[] {
    return this.#tokens;
  }

  /** See `SqlMachine`. */
  get engine(): SqlEngine {
    const { name, version } = openDriver(this.#driver);
    return { name, version };
  }

  /** See `StateMachine`. */
  get stuck(): StuckEntry | null {
    return this.#losses.stuck;
  }

  /** See `StateMachine`. */
  apply(
    entries: readonly Entry[],
    answers: boolean,
    done: ApplyDone,
  ): void {
    if (entries.length === 0) {
      return queueMicrotask(() => done(null, [], NO_EVENTS));
    }
    assert(
      entries[0]!.index === this.applied.index + 1,
      `entry ${entries[0]!.index} after ${this.applied.index}`,
    );
    if (this.#logStatements) logEntries(this.#logger, entries);
    this.#writer.apply(entries, answers, (error, reached, applied) => {
      if (reached !== null) this.#reach(reached);
      if (applied !== null) {
        return done(null, applied.answers, applied.events, applied.divergence);
      }
      if (error instanceof WriterLostError) this.#lost(entries, error);
      done(error, [], NO_EVENTS);
    });
  }

  /** The batch was rolled back, unless the writer died between its COMMIT and its answer. */
  #lost(entries: readonly Entry[], { message }: WriterLostError): void {
    const applied = this.applied.index;
    this.#logger.warn("the writer was lost while it applied entries", {
      first: entries[0]!.index,
      last: entries.at(-1)!.index,
      applied,
      reason: message,
    });
    if (applied < entries[0]!.index) this.#losses.note(entries, message);
  }

  /** See `PreparingMachine`. */
  get preparing(): number {
    return this.#writer.preparing;
  }

  /** See `PreparingMachine`. */
  get commitsUnattended(): boolean {
    return this.#writer.unattended;
  }

  /** See `PreparingMachine`. */
  prepare(preparation: Preparation, done: PrepareDone): void {
    if (this.#logStatements) logStatements(this.#logger, preparation);
    this.#writer.prepare(preparation, done);
  }

  /** See `PreparingMachine`. */
  commitPrepared(
    done: (error: Error | null, events: StateEvents) => void,
  ): void {
    this.#writer.commitPrepared((error, reached, events) => {
      if (reached !== null) this.#reach(reached);
      done(error, events ?? NO_EVENTS);
    });
  }

  /** See `PreparingMachine`. */
  rollbackPrepared(done: (error: Error | null) => void): void {
    this.#writer.rollbackPrepared(done);
  }

  /** See `PreparingMachine`. */
  abortPrepare(): boolean {
    return this.#writer.abortPrepare();
  }

  #reach(reached: Writer.ReachedPosition): void {
    const facts = reached.facts ?? this.#reached.facts;
    this.#reached = { ...reached, facts };
    this.#locks = reached.locks ?? this.#locks;
    this.#tokens = reached.tokens ?? this.#tokens;
    this.#hashes.add(reached.hashes);
  }

  /** See `StateMachine`. */
  stateHashes(): readonly StateHash[] {
    return this.#hashes.latest;
  }

  /** See `StateMachine`. */
  checkpoint(done: (error: Error | null, durable: LogIndex) => void): void {
    this.#writer.checkpoint(done);
  }

  /** See `StateMachine`. */
  snapshot(
    done: (error: Error | null, snapshot: Snapshot | null) => void,
  ): void {
    if (this.#building) {
      return done(new Error("Another snapshot is being built"), null);
    }
    this.#building = true;
    const finish = (error: Error | null, snapshot: Snapshot | null): void => {
      this.#building = false;
      done(error, snapshot);
    };
    const target = this.files.snapshotPath(`${++this.#names}.db`);
    buildSnapshot(this.#driver, this.files.path, target, this.#removals).then(
      (snapshot) => finish(null, snapshot),
      (error) => finish(error, null),
    );
  }

  /** See `StateMachine`. */
  receive(
    last: LogId,
    done: (error: Error | null, sink: SnapshotSink | null) => void,
  ): void {
    this.#sink?.abort();
    this.#sink = null;
    try {
      this.#sink = new FileSink(
        this.files.incomingPath(`${++this.#names}.db`),
        last,
        this.#removals,
      );
    } catch (error) {
      return done(error as Error, null);
    }
    done(null, this.#sink);
  }

  /** See `StateMachine`. Queries wait meanwhile; running ones end on the old state. */
  install(last: LogId, done: (error: Error | null) => void): void {
    const sink = this.#sink;
    this.#sink = null;
    if (
      sink === null || !sink.complete || sink.last.index !== last.index ||
      sink.last.term !== last.term
    ) {
      const what = `${last.index} of term ${last.term}`;
      return done(new Error(`There is no received snapshot up to ${what}`));
    }
    this.#install(sink).then(() => done(null), done);
  }

  /** See `StateMachine`. */
  close(done: () => void): void {
    this.#close().then(done);
  }

  /** See `SqlMachine`. */
  async query(query: SqlQuery): Promise<QueryResult> {
    return await this.#readers.query(query);
  }

  /** See `SqlMachine`. */
  async observe(query: SqlQuery, known: string): Promise<Observation> {
    return await this.#readers.observe(query, known);
  }

  /** See `SqlMachine`. */
  async rows(query: SqlQuery): Promise<RowStream> {
    return await this.#readers.rows(query);
  }

  /** See `SqlMachine`. */
  querySync(
    sql: string,
    params?: SqlParameters,
    minIndex: LogIndex = 0,
  ): QueryResult {
    const awaited = this.applied.index >= minIndex ? 0 : minIndex;
    return this.#readers.querySync(sql, params, awaited);
  }

  /** See `StateMachine`. */
  async check(hurry: boolean): Promise<void> {
    if (this.#closed) throw closedError();
    const { path } = this.files;
    try {
      await checkDatabase(this.#driver, path, hurry, this.#ending.signal);
    } catch (error) {
      // Replaced meanwhile by a snapshot: what was found is about the past.
      if (path === this.files.path) throw error;
    }
  }

  /** Schema, hashes of all tables, and remembered answers, in a canonical form: equal on members that applied the same entries. */
  dump(): Promise<{ contents: string; sessions: string }> {
    return this.#writer.dump();
  }

  async #install(sink: FileSink): Promise<void> {
    const { applied: inside } = await this.#writer.inspect(sink.path);
    if (inside.index !== sink.last.index || inside.term !== sink.last.term) {
      sink.abort();
      throw new Error(
        `The snapshot contains entry ${inside.index} of term ${inside.term}, not ${sink.last.index} of term ${sink.last.term}`,
      );
    }
    this.#readers.pause();
    await this.#writer.release();
    for (const step of this.files.installSteps(sink.path)) await step();
    this.#reach(await this.#writer.open(this.files.path));
    this.#losses.passed(this.applied.index);
    this.#epoch.beginChange();
    this.#epoch.endChange();
    this.#readers.reopen(this.files.path);
    this.files.removeOld(this.#removals);
  }

  async #close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#ending.abort(closedError());
    this.#sink?.abort();
    await this.#readers.close();
    await this.#writer.close();
    await this.#removals.idle();
  }
}
