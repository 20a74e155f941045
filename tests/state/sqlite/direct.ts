import assert from "node:assert/strict";
import { SqlEvent, tablesIn } from "../../../src/state/sql/events.ts";
import { BatchApplier } from "../../../src/state/sqlite/apply/batch_applier.ts";
import { dumpContents } from "../../../src/state/sqlite/apply/contents.ts";
import type { PreparedEntry } from "../../../src/state/port.ts";
import type {
  SqliteConnection,
  SqliteDriver,
} from "../../../src/state/sqlite/driver/driver.ts";
import { LEVEL } from "../../../src/state/level.ts";
import { SchemaEpoch } from "../../../src/state/sqlite/thread/schema_epoch.ts";
import { openWriterConnection } from "../../../src/state/sqlite/apply/writer.ts";
import { WrittenEvents } from "../../../src/state/sqlite/apply/written_events.ts";
import { ByteReader, ByteWriter } from "../../../src/util/bytes.ts";
import { narrow } from "../../../src/state/sql/values.ts";
import type {
  CommandFailure,
  CommandResult,
  StatementResult,
} from "../../../src/state/sql/types.ts";
import type { SqlParameters, SqlValue } from "../../../src/state/sql/types.ts";
import { type Entry, EntryKind } from "../../../src/raft/types.ts";
import { presentDriver } from "./drivers.ts";
import {
  answered,
  type Asked,
  command,
  execute,
  type Rest,
} from "./subject.ts";

/** The writer's work on this thread, without Workers: the same code, faster tests. */
export class Direct {
  readonly #path: string;
  readonly #driver: SqliteDriver;
  #connection: SqliteConnection;
  #originals: SqliteConnection;
  applier: BatchApplier;
  /** What was told of the entries so far, as `index.seq kind tables`. */
  readonly events: string[] = [];
  #written = new WrittenEvents();
  /** Whether the file system has room, as the writer finds out. */
  room = true;
  /** Whether what runs now is spared by interrupts. */
  spared = false;
  /** How often what runs was interrupted. */
  readonly interrupts = { count: 0 };

  /** With a database at `path`, on a connection that `prepared` may have filled or wrapped. */
  constructor(
    path = ":memory:",
    prepared = (connection: SqliteConnection): SqliteConnection => connection,
    driver: SqliteDriver = presentDriver(),
  ) {
    this.#path = path;
    this.#driver = driver;
    this.#originals = driver.open(":memory:", { readOnly: false });
    this.#connection = prepared(openWriterConnection(this.#driver, path));
    this.applier = this.#open();
  }

  #open(): BatchApplier {
    return new BatchApplier(this.#connection, this.#originals, {
      statementCacheCapacity: 50,
      schemaEpoch: new SchemaEpoch(),
      level: LEVEL,
      growthBytesMax: 16 * 1024 * 1024,
      hasRoom: () => this.room,
      interrupts: Object.assign(this.interrupts, {
        spare: (work: () => void) => {
          this.spared = true;
          work();
          this.spared = false;
        },
      }),
    });
  }

  /** As after a crash: what was committed, on new connections. Needs a file. */
  restart(): void {
    this.#connection.close();
    this.#originals.close();
    this.#originals = this.#driver.open(":memory:", { readOnly: false });
    this.#connection = openWriterConnection(this.#driver, this.#path);
    this.applier = this.#open();
  }

  get next(): number {
    return this.applier.position.applied.index + 1;
  }

  /** Applies payloads as one batch. */
  batch(payloads: readonly Uint8Array[]): Uint8Array[] {
    const first = this.next;
    const entries: Entry[] = payloads.map((payload, i) => ({
      index: first + i,
      term: 1,
      kind: EntryKind.command,
      payload,
    }));
    const answers = this.applier.apply(entries);
    this.#takeEvents();
    return answers;
  }

  /** Runs payloads as a leader does before it proposes them. */
  prepare(payloads: readonly Uint8Array[]): PreparedEntry[] {
    return this.applier.prepare(
      { first: this.next, term: 1, payloads },
      () => {},
    );
  }

  commitPrepared(): void {
    this.applier.commitPrepared();
    this.#takeEvents();
  }

  rollbackPrepared(): void {
    this.applier.rollbackPrepared();
  }

  #takeEvents(): void {
    const writer = new ByteWriter();
    this.applier.events.write(writer);
    const events = this.#written.read(new ByteReader(writer.finish()));
    const told = [...events].map(({ index, seq, kind, bytes }) => {
      const tables = kind === SqlEvent.tables ? tablesIn(bytes) : [];
      return [`${index}.${seq} ${kind}`, ...tables].join(" ");
    });
    assert.equal(told.length, events.count);
    this.events.push(...told);
  }

  run(body: Asked, rest: Rest = {}): CommandResult {
    return answered(this.batch([command(body, rest)])[0]!).result;
  }

  /** Executes one statement that must succeed. */
  ok(sql: string, params?: SqlParameters): StatementResult {
    const result = this.run(execute(sql, params));
    if (!result.ok) throw new Error(`${sql}: ${result.error.message}`);
    return result.results[0]!;
  }

  /** Executes one statement that must fail. */
  fail(sql: string, params?: SqlParameters): CommandFailure {
    const result = this.run(execute(sql, params));
    if (result.ok) throw new Error(`${sql} did not fail`);
    return result.error;
  }

  /** Rows as the writer sees them, on the side. */
  rows(sql: string): SqlValue[][] {
    return this.#connection.prepare(sql)!
      .allBigInt({ anonymous: [], named: null })
      .map((row) => row.map((v) => typeof v === "bigint" ? narrow(v) : v));
  }

  /** Runs something on the writing connection, past the policy. */
  exec(sql: string): void {
    this.#connection.exec(sql);
  }

  dump(): string {
    return `${
      dumpContents(this.#connection)
    }\n---\n${this.applier.dumpSessions()}`;
  }

  [Symbol.dispose](): void {
    this.#connection.close();
    this.#originals.close();
  }
}
