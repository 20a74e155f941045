import { join } from "node:path";
import { hashSqlAnswer } from "../../src/state/sqlite/apply/agreement.ts";
import { decodeCommand, writeCommand } from "../../src/state/sql/command.ts";
import { decodeResult } from "../../src/state/sql/result.ts";
import type { CommandBody, Statement } from "../../src/state/sql/types.ts";
import type { Operation } from "./command.ts";
import type { Dialect, Mark } from "./dialect.ts";
import { operate } from "./kv_model.ts";
import { scratch, SqlModel } from "./sql_model.ts";

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
    hash: (answer) => hashSqlAnswer(answer),
    model: (bytes) => new SqlModel(join(dir, String(++files)), SCHEMA, bytes),
    close: () => Deno.removeSync(dir, { recursive: true }),
  };
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
