import { existsSync } from "node:fs";
import type { Entry } from "../../src/raft/types.ts";
import type {
  Preparation,
  PreparedEntry,
  StateEvents,
} from "../../src/state/port.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
} from "../../src/state/sqlite/driver/driver.ts";
import { dumpContents } from "../../src/state/sqlite/apply/contents.ts";
import { WrittenEvents } from "../../src/state/sqlite/apply/written_events.ts";
import { nodeDriver } from "../../src/state/sqlite/driver/node_driver.ts";
import { LEVEL } from "../../src/state/level.ts";
import { NO_INTERRUPTS } from "../../src/state/sqlite/thread/interrupts.ts";
import { SchemaEpoch } from "../../src/state/sqlite/thread/schema_epoch.ts";
import { Writer } from "../../src/state/sqlite/apply/writer.ts";
import { ByteReader, ByteWriter } from "../../src/util/bytes.ts";
import type { Model, ModelApplied } from "./kv_model.ts";

/** A folder in memory where there is one: these files need not survive anything. */
export function scratch(): string {
  const prefix = "hiqlite-sim-";
  try {
    return Deno.makeTempDirSync({ dir: "/dev/shm", prefix });
  } catch {
    return Deno.makeTempDirSync({ prefix });
  }
}

/** A SQLite file behind the production writer. */
export class SqlModel implements Model {
  readonly #path: string;
  readonly #writer: Writer;
  readonly #told = new WrittenEvents();
  #events: StateEvents | null = null;
  /** The connection that reads what is committed. */
  readonly reader: SqliteConnection;

  /** A database with this schema, unless `bytes` are one. */
  constructor(path: string, schema: string, bytes: Uint8Array) {
    this.#path = path;
    if (bytes.length > 0) Deno.writeFileSync(path, bytes);
    this.#writer = new Writer(nodeDriver, path, {
      statementCacheCapacity: 16,
      schemaEpoch: new SchemaEpoch(),
      level: LEVEL,
      growthBytesMax: 16 * 1024 * 1024,
      interrupts: NO_INTERRUPTS,
    });
    if (bytes.length === 0) this.#writer.connection.exec(schema);
    this.reader = nodeDriver.open(path, { readOnly: true });
  }

  get clockMs(): number {
    return this.#writer.applier.position.clockMs;
  }

  apply(entries: readonly Entry[]): ModelApplied {
    const { applier } = this.#writer;
    const answers = applier.apply(entries);
    this.#committed();
    return { answers, divergence: applier.agreement.takeDivergence() };
  }

  prepare(preparation: Preparation): PreparedEntry[] {
    return this.#writer.applier.prepare(preparation, () => {});
  }

  commitPrepared(): void {
    this.#writer.applier.commitPrepared();
    this.#committed();
  }

  rollbackPrepared(): void {
    this.#writer.applier.rollbackPrepared();
  }

  /** What the entries told that were committed last, as it goes from the writer's thread to the loop. */
  takeEvents(): StateEvents {
    return this.#events!;
  }

  #committed(): void {
    const written = new ByteWriter();
    this.#writer.applier.events.write(written);
    this.#events = this.#told.read(new ByteReader(written.finish()));
  }

  /** The production applier; between two transactions only. */
  protected get applier(): Writer["applier"] {
    return this.#writer.applier;
  }

  read(key: number): string {
    const rows = this.reader.prepare(
      "SELECT v FROM kv WHERE k = ?",
    )!.all({ anonymous: [key], named: null });
    return String(rows[0]?.[0] ?? "");
  }

  /** Copies the WAL into the file, which then is all there is; false if something is prepared. */
  #copied(): boolean {
    const { connection } = this.#writer;
    if (connection.inTransaction) return false;
    const [row] = connection.prepare("PRAGMA wal_checkpoint(PASSIVE)")!
      .all(NO_BINDINGS);
    const [busy, frames, copied] = row as number[];
    return busy === 0 && frames === copied;
  }

  /** What is committed, whatever is prepared: of a WAL that is copied only whole transactions count. */
  encode(): Uint8Array {
    if (this.#copied()) return Deno.readFileSync(this.#path);
    const copy = `${this.#path}.copy`;
    for (const end of ["", "-wal"]) {
      if (existsSync(this.#path + end)) {
        Deno.copyFileSync(this.#path + end, copy + end);
      }
    }
    const connection = nodeDriver.open(copy, { readOnly: false });
    connection.exec("PRAGMA wal_checkpoint(TRUNCATE)");
    connection.close();
    const bytes = Deno.readFileSync(copy);
    Deno.removeSync(copy);
    return bytes;
  }

  dump(): string {
    const { applier } = this.#writer;
    return `${dumpContents(this.reader)}\n${applier.dumpSessions()}`;
  }

  close(): void {
    this.reader.close();
    this.#writer.close();
    Deno.removeSync(this.#path);
  }
}
