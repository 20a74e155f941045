import type { ClusterFacts } from "../../cluster_facts.ts";
import { unreachable } from "../../../util/assert.ts";
import { HiqliteError } from "../../../errors.ts";
import type { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { LockReport } from "../../locks/types.ts";
import type { ApiToken } from "../../tokens/types.ts";
import type { BatchApplier } from "./batch_applier.ts";
import { readPositionAt } from "./bookkeeping.ts";
import { PrepareFailedError } from "../../port.ts";
import { dumpContents } from "./contents.ts";
import {
  isInterrupt,
  isOutOfMemory,
  stateFailure,
} from "../driver/result_codes.ts";
import type { SqliteDriver } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { okAnswer, type Served } from "../thread/answers.ts";
import { type Interrupts, NO_INTERRUPTS } from "../thread/interrupts.ts";
import type { SchemaChanges } from "../thread/schema_epoch.ts";
import { Writer } from "./writer.ts";
import {
  decodeApply,
  decodePreparation,
  LOCK_COUNTS,
  UNREPORTED,
  writeApplied,
  writeDivergence,
  writePrepared,
  type WriterOptions,
  WriterRequest,
} from "./writer_protocol.ts";

/** Hears which command of a preparation runs. */
export interface RunProgress {
  /** This one begins, at this place. */
  begins(at: number, payload: Uint8Array): void;
}

/** Serves a {@linkcode Writer}; another database may take the place of its own. */
export class WriterRequests implements Served {
  readonly #options: WriterOptions;
  readonly #driver: SqliteDriver;
  readonly #schema: SchemaChanges;
  #path: string;
  #writer: Writer | null;
  readonly #progress: RunProgress;
  readonly #interrupts: Interrupts;
  /** The facts that were told last. */
  #told: ClusterFacts | null = null;
  /** What was told of locks last. */
  #toldLocks: LockReport | null = null;
  /** The tokens that were told last. */
  #toldTokens: readonly ApiToken[] | null = null;
  /** What made the database unusable; everything after it fails with it. */
  #poison: unknown = null;
  /** What is not committed is still to be undone: there was no memory for that. */
  #owesUndo = false;
  /** See `Served`. */
  readonly opened: ByteWriter = okAnswer();

  /** Opens the database; `schema` hears of changes of the schema, `progress` of commands that run before they are replicated, `interrupts` of what must run to its end. */
  constructor(
    options: WriterOptions,
    schema: SchemaChanges,
    progress: RunProgress,
    interrupts: Interrupts = NO_INTERRUPTS,
  ) {
    this.#options = options;
    this.#schema = schema;
    this.#driver = openDriver(options.driver);
    this.#progress = progress;
    this.#interrupts = interrupts;
    this.#path = options.path;
    this.#writer = this.#open(this.#path);
    this.#tell(this.opened, this.#writer);
  }

  /** See `Served`. */
  answer(request: ByteReader): ByteWriter {
    const kind = request.u8();
    switch (kind) {
      case WriterRequest.inspect:
        return this.#inspect(request.text());
      case WriterRequest.release:
        this.#release();
        return okAnswer();
      case WriterRequest.open:
        return this.#replace(request.text());
    }
    if (this.#poison !== null) throw this.#poison;
    if (this.#writer === null) {
      throw new Error("The database is being replaced");
    }
    try {
      const undoes = kind === WriterRequest.rollbackPrepared;
      if (this.#owesUndo && !undoes) this.#undo(true);
      return this.#serve(this.#writer, kind, request);
    } catch (error) {
      throw this.#failed(error);
    }
  }

  /** See `Served`. */
  get interruptHandle(): bigint {
    return this.#writer?.connection.handle ?? 0n;
  }

  /** See `Served`. */
  idle(): void {
    if (this.#poison !== null) return;
    try {
      this.#writer?.applier.closePrepared();
      this.#writer?.maintain();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** See `Served`. */
  close(): void {
    this.#writer?.close();
  }

  #serve(writer: Writer, kind: number, request: ByteReader): ByteWriter {
    switch (kind) {
      case WriterRequest.apply:
        return this.#apply(writer, request);
      case WriterRequest.prepare:
        return this.#prepare(writer, request);
      case WriterRequest.commitPrepared:
        return this.#commitPrepared(writer);
      case WriterRequest.rollbackPrepared:
        return this.#rollBack(writer);
      case WriterRequest.checkpoint:
        return okAnswer().u53(writer.checkpoint());
      case WriterRequest.dump:
        return okAnswer().text(dumpContents(writer.connection))
          .text(writer.applier.dumpSessions());
      default:
        return unreachable(kind as never);
    }
  }

  #apply(writer: Writer, request: ByteReader): ByteWriter {
    const { answers, entries } = decodeApply(request);
    const results = writer.applier.apply(entries);
    const answer = okAnswer(answers ? 64 * results.length : 64);
    this.#tell(answer, writer);
    answer.u32(answers ? results.length : 0);
    if (answers) { for (const result of results) answer.bytes(result); }
    writer.applier.events.write(answer);
    writeDivergence(answer, writer.applier.agreement.takeDivergence());
    return answer;
  }

  #prepare(writer: Writer, request: ByteReader): ByteWriter {
    const { applier } = writer;
    const preparation = decodePreparation(request);
    const answer = okAnswer(64 * preparation.payloads.length);
    try {
      const { first, payloads } = preparation;
      const { index } = applier.position.applied;
      if (first !== index + 1) {
        const reason = `Entry ${first} cannot be prepared after ${index}`;
        throw new PrepareFailedError("internal", reason, null);
      }
      const outcomes = applier.prepare(
        preparation,
        (at) => this.#progress.begins(at, payloads[at]!),
      );
      writePrepared(answer, outcomes);
    } catch (error) {
      if (!(error instanceof PrepareFailedError)) throw error;
      this.#trim(false);
      writePrepared(answer, error);
    }
    return answer;
  }

  /** A transaction that cannot be committed as it is has nothing in it any more. */
  #commitPrepared(writer: Writer): ByteWriter {
    const answer = okAnswer();
    try {
      writer.applier.commitPrepared();
    } catch (error) {
      if (!(error instanceof PrepareFailedError)) throw error;
      writePrepared(answer, error);
      return answer;
    }
    writePrepared(answer, []);
    this.#tell(answer, writer);
    writer.applier.events.write(answer);
    return answer;
  }

  /** See {@linkcode WriterRequests.#undo}: that is as good as done. */
  #rollBack({ applier }: Writer): ByteWriter {
    try {
      applier.rollbackPrepared();
    } catch (error) {
      if (!isOutOfMemory(error)) throw error;
      this.#owesUndo = true;
    }
    return okAnswer();
  }

  #tell(answer: ByteWriter, { applier }: Writer): void {
    const { position, tokens } = applier;
    const { applied } = position;
    writeApplied(
      answer,
      position,
      applier.agreement.takeHashes(applied.index),
      this.#told,
      {
        locks: this.#lockReport(applier),
        tokens: tokens === this.#toldTokens ? null : tokens,
      },
    );
    this.#told = position.facts;
    this.#toldTokens = tokens;
  }

  /** Null if it is as it was told last. */
  #lockReport({ locks }: BatchApplier): LockReport | null {
    const { counts, nextDueMs } = locks;
    const told = this.#toldLocks;
    const same = told !== null && told.nextDueMs === nextDueMs &&
      LOCK_COUNTS.every((name) => told.counts[name] === counts[name]);
    return same ? null : this.#toldLocks = { counts, nextDueMs };
  }

  #inspect(path: string): ByteWriter {
    const answer = okAnswer();
    try {
      const position = readPositionAt(this.#driver, path);
      writeApplied(answer, position, [], null, UNREPORTED);
    } catch (error) {
      throw stateFailure(error);
    }
    return answer;
  }

  #release(): void {
    const writer = this.#writer;
    this.#writer = null;
    this.#interrupts.spare(() => writer?.close());
  }

  /** What is interrupted there would leave its transaction open. */
  #trim(full: boolean): void {
    this.#interrupts.spare(() => this.#writer?.trim(full));
  }

  #replace(path: string): ByteWriter {
    const answer = okAnswer();
    this.#path = path;
    this.#writer = this.#open(path);
    this.#poison = null;
    this.#owesUndo = false;
    this.#tell(answer, this.#writer);
    return answer;
  }

  #open(path: string): Writer {
    const { statementCacheCapacity, level, heapBytes, growthBytesMax } =
      this.#options;
    try {
      return new Writer(this.#driver, path, {
        statementCacheCapacity,
        schemaEpoch: this.#schema,
        level,
        heapBytes,
        growthBytesMax,
        interrupts: this.#interrupts,
      });
    } catch (error) {
      throw stateFailure(error);
    }
  }

  /**
   * An interrupt stays with its connection for as long as a statement is open there, and an R-tree keeps one open from
   * what it writes until the transaction ends, which it cannot any more: so the connection goes, and the transaction with it.
   */
  #giveUp(): void {
    const applier = this.#writer?.applier;
    try {
      applier?.giveUp();
    } catch (error) {
      // Answers that are kept would be lost.
      if (!isInterrupt(error) || applier!.keepsAnswers) throw error;
      this.#release();
      this.#writer = this.#open(this.#path);
    }
  }

  /** What is not committed. Where there is no memory for it, nothing is served before it was done. */
  #undo(full: boolean): void {
    this.#owesUndo = true;
    this.#giveUp();
    this.#trim(full);
    this.#owesUndo = false;
  }

  /** Without room or memory, or interrupted, the transaction is given up, and the same batch may come again; any other error stays. */
  #failed(error: unknown): unknown {
    const failure = stateFailure(error);
    const passes = isInterrupt(error) || failure instanceof HiqliteError &&
        failure.code === "disk_full";
    if (!passes) return this.#poison = failure;
    try {
      this.#undo(failure instanceof HiqliteError);
      return failure;
    } catch (error) {
      const left = stateFailure(error);
      return isOutOfMemory(error) ? left : this.#poison = left;
    }
  }
}
