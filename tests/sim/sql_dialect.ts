import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Entry } from "../../src/raft/types.ts";
import type { Preparation, PreparedEntry } from "../../src/state/port.ts";
import { hashSqlAnswer } from "../../src/state/sqlite/apply/agreement.ts";
import type { SqliteConnection } from "../../src/state/sqlite/driver/driver.ts";
import { decodeCommand, writeCommand } from "../../src/state/sql/command.ts";
import { decodeResult } from "../../src/state/sql/result.ts";
import { dumpContents } from "../../src/state/sqlite/apply/contents.ts";
import { nodeDriver } from "../../src/state/sqlite/driver/node_driver.ts";
import { LEVEL } from "../../src/state/level.ts";
import { NO_INTERRUPTS } from "../../src/state/sqlite/thread/interrupts.ts";
import { SchemaEpoch } from "../../src/state/sqlite/thread/schema_epoch.ts";
import { Writer } from "../../src/state/sqlite/apply/writer.ts";
import type { CommandBody, Statement } from "../../src/state/sql/types.ts";
import { ByteWriter } from "../../src/util/bytes.ts";
import type { Operation } from "./command.ts";
import type { Dialect, Mark } from "./dialect.ts";
import { type Model, type ModelApplied, operate } from "./kv_model.ts";

/** What a trigger writes shows whether time and randomness are the same everywhere. */
const SCHEMA = `
CREATE TABLE kv (k INTEGER PRIMARY KEY, v TEXT NOT NULL);
CREATE TABLE audit (
  id INTEGER PRIMARY KEY, k INTEGER, at TEXT DEFAULT CURRENT_TIMESTAMP,
  r INTEGER DEFAULT (random()), b BLOB DEFAULT (randomblob(8)), pad BLOB
);
CREATE TRIGGER audited AFTER INSERT ON kv BEGIN
  INSERT INTO audit (k) VALUES (new.k);
END;
CREATE TRIGGER changed AFTER UPDATE ON kv BEGIN
  INSERT INTO audit (k, at) VALUES (new.k, julianday('now'));
END;`;

/** SQL through the production command codec and applier, on real SQLite files. */
export function sqlDialect(): Dialect {
  const dir = scratch();
  let files = 0;
  return {
    write: (writer, operation, mark) =>
      writeCommand(writer, bodyOf(operation, mark)),
    attemptOf: (body) => {
      const command = decodeCommand(body);
      if (command.kind !== "txn") throw new Error(`no ${command.kind} here`);
      const [attempt] = command.statements[0]!.params as [number, number];
      return attempt;
    },
    valueOf,
    operate,
    hash: hashSqlAnswer,
    model: (bytes) => new SqlModel(join(dir, String(++files)), bytes),
    close: () => Deno.removeSync(dir, { recursive: true }),
  };
}

/** A folder in memory where there is one: these files need not survive anything. */
function scratch(): string {
  const prefix = "hiqlite-sim-";
  try {
    return Deno.makeTempDirSync({ dir: "/dev/shm", prefix });
  } catch {
    return Deno.makeTempDirSync({ prefix });
  }
}

function bodyOf(
  operation: Operation,
  { attempt, padding }: Mark,
): CommandBody {
  const { key } = operation;
  const before = {
    sql: "SELECT v, ? FROM kv WHERE k = ?",
    params: [attempt, key],
  };
  const statements: Statement[] = [before, ...changeOf(operation)];
  if (padding > 0) {
    statements.push({
      sql: "INSERT INTO audit (k, pad) VALUES (?, ?)",
      params: [key, new Uint8Array(padding)],
    });
  }
  return { kind: "txn", statements };
}

function changeOf(operation: Operation): Statement[] {
  switch (operation.kind) {
    case "read":
    case "poison":
      return [];
    case "put":
      return [{
        sql:
          "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = ?2",
        params: [operation.key, String(operation.value)],
      }];
    case "append":
      return [{
        sql:
          "INSERT INTO kv VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = v || ',' || ?2",
        params: [operation.key, String(operation.value)],
      }];
    case "cas":
      return [{
        sql: "UPDATE kv SET v = ?3 WHERE k = ?1 AND v = ?2 RETURNING 'matched'",
        params: [
          operation.key,
          String(operation.expected),
          String(operation.value),
        ],
      }];
  }
}

function valueOf(body: Uint8Array): string {
  const result = decodeResult(body);
  if (!result.ok) throw new Error(`statement failed: ${result.error.message}`);
  const [before, change] = result.results;
  if (change?.columns.length === 1) return change.rows.length > 0 ? "1" : "0";
  return String(before!.rows[0]?.[0] ?? "");
}

/** A SQLite file behind the production writer. */
class SqlModel implements Model {
  readonly #path: string;
  readonly #writer: Writer;
  readonly #reader: SqliteConnection;

  constructor(path: string, bytes: Uint8Array) {
    this.#path = path;
    if (bytes.length > 0) Deno.writeFileSync(path, bytes);
    this.#writer = new Writer(nodeDriver, path, {
      statementCacheCapacity: 16,
      schemaEpoch: new SchemaEpoch(),
      level: LEVEL,
      growthBytesMax: 16 * 1024 * 1024,
      interrupts: NO_INTERRUPTS,
    });
    if (bytes.length === 0) this.#writer.connection.exec(SCHEMA);
    this.#reader = nodeDriver.open(path, { readOnly: true });
  }

  get clockMs(): number {
    return this.#writer.applier.position.clockMs;
  }

  apply(entries: readonly Entry[]): ModelApplied {
    const { applier } = this.#writer;
    const answers = applier.apply(entries);
    applier.events.write(new ByteWriter());
    return { answers, divergence: applier.agreement.takeDivergence() };
  }

  prepare(preparation: Preparation): PreparedEntry[] {
    return this.#writer.applier.prepare(preparation, () => {});
  }

  commitPrepared(): void {
    const { applier } = this.#writer;
    applier.commitPrepared();
    applier.events.write(new ByteWriter());
  }

  rollbackPrepared(): void {
    this.#writer.applier.rollbackPrepared();
  }

  read(key: number): string {
    const rows = this.#reader.prepare(
      "SELECT v FROM kv WHERE k = ?",
    )!.all({ anonymous: [key], named: null });
    return String(rows[0]?.[0] ?? "");
  }

  /** What is committed, whatever is prepared: of a WAL that is copied only whole transactions count. */
  encode(): Uint8Array {
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
    return `${dumpContents(this.#reader)}\n${applier.dumpSessions()}`;
  }

  close(): void {
    this.#reader.close();
    this.#writer.close();
    Deno.removeSync(this.#path);
  }
}
