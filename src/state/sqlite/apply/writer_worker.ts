import type { ClusterFacts } from "../../cluster_facts.ts";
import { unreachable } from "../../../util/assert.ts";
import { HiqliteError } from "../../../errors.ts";
import type { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { readPositionAt } from "./bookkeeping.ts";
import { dumpContents } from "./contents.ts";
import { isInterrupt, stateFailure } from "../driver/result_codes.ts";
import type { SqliteDriver } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { okAnswer, type Served } from "../thread/answers.ts";
import type { SchemaChanges } from "../thread/schema_epoch.ts";
import { Writer } from "./writer.ts";
import {
  decodeApply,
  writeApplied,
  type WriterOptions,
  WriterRequest,
} from "./writer_protocol.ts";

/** Serves a {@linkcode Writer}; another database may take the place of its own. */
export class WriterRequests implements Served {
  readonly #options: WriterOptions;
  readonly #driver: SqliteDriver;
  readonly #schema: SchemaChanges;
  #writer: Writer | null;
  /** The facts that were told last. */
  #told: ClusterFacts | null = null;
  /** What made the database unusable; everything after it fails with it. */
  #poison: unknown = null;
  /** See `Served`. */
  readonly opened: ByteWriter = okAnswer();

  /** Opens the database; `schema` hears of changes of the schema. */
  constructor(options: WriterOptions, schema: SchemaChanges) {
    this.#options = options;
    this.#schema = schema;
    this.#driver = openDriver(options.driver);
    this.#writer = this.#open(options.path);
    this.#tell(this.opened, this.#writer);
  }

  /** See `Served`. */
  answer(request: ByteReader): ByteWriter {
    const kind = request.u8();
    switch (kind) {
      case WriterRequest.inspect:
        return this.#inspect(request.text());
      case WriterRequest.release:
        this.#writer?.close();
        this.#writer = null;
        return okAnswer();
      case WriterRequest.open:
        return this.#replace(request.text());
    }
    if (this.#poison !== null) throw this.#poison;
    if (this.#writer === null) {
      throw new Error("The database is being replaced");
    }
    try {
      return kind === WriterRequest.apply
        ? this.#apply(this.#writer, request)
        : perform(this.#writer, kind);
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
      this.#writer?.maintain();
    } catch (error) {
      this.#failed(error);
    }
  }

  /** See `Served`. */
  close(): void {
    this.#writer?.close();
  }

  #apply(writer: Writer, request: ByteReader): ByteWriter {
    const { answers, entries } = decodeApply(request);
    const results = writer.applier.apply(entries);
    const answer = okAnswer(answers ? 64 * results.length : 64);
    this.#tell(answer, writer);
    answer.u32(answers ? results.length : 0);
    if (answers) { for (const result of results) answer.bytes(result); }
    writer.applier.events.write(answer);
    return answer;
  }

  #tell(answer: ByteWriter, { applier }: Writer): void {
    const { position } = applier;
    writeApplied(answer, position, applier.takeHashes(), this.#told);
    this.#told = position.facts;
  }

  #inspect(path: string): ByteWriter {
    const answer = okAnswer();
    try {
      writeApplied(answer, readPositionAt(this.#driver, path), [], null);
    } catch (error) {
      throw stateFailure(error);
    }
    return answer;
  }

  #replace(path: string): ByteWriter {
    const answer = okAnswer();
    this.#writer = this.#open(path);
    this.#poison = null;
    this.#tell(answer, this.#writer);
    return answer;
  }

  #open(path: string): Writer {
    const { statementCacheCapacity, level, heapBytes } = this.#options;
    try {
      return new Writer(this.#driver, path, {
        statementCacheCapacity,
        schemaEpoch: this.#schema,
        level,
        heapBytes,
      });
    } catch (error) {
      throw stateFailure(error);
    }
  }

  /** Without room, or interrupted, the transaction is given up, and the same batch may come again; any other error stays. */
  #failed(error: unknown): unknown {
    const failure = stateFailure(error);
    const passes = isInterrupt(error) || failure instanceof HiqliteError &&
        failure.code === "disk_full";
    if (!passes) return this.#poison = failure;
    try {
      this.#writer?.applier.giveUp();
      return failure;
    } catch (error) {
      return this.#poison = stateFailure(error);
    }
  }
}

function perform(
  writer: Writer,
  kind: number,
): ByteWriter {
  const { applier } = writer;
  switch (kind) {
    case WriterRequest.checkpoint:
      return okAnswer().u53(writer.checkpoint());
    case WriterRequest.dump:
      return okAnswer().text(dumpContents(writer.connection))
        .text(applier.dumpSessions());
    default:
      return unreachable(kind as never);
  }
}
