import { EntryKind } from "../../../raft/types.ts";
import { encode } from "../../../util/bytes.ts";
import { decodeAnswer } from "../../answer.ts";
import { NO_IDENTITY, writeEnvelope } from "../../envelope.ts";
import { LEVEL } from "../../level.ts";
import { writeCommand } from "../../sql/command.ts";
import { resultOf } from "../../sql/result.ts";
import { BatchApplier } from "../apply/batch_applier.ts";
import { openOriginals, openWriterConnection } from "../apply/writer.ts";
import {
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteDriver,
} from "../driver/driver.ts";
import { SchemaEpoch } from "../thread/schema_epoch.ts";
import { refusal } from "./refusal.ts";
import { NO_INTERRUPTS } from "../thread/interrupts.ts";

const GROWTH_BYTES = 1024 ** 3;

/**
 * Makes each table, index, view and trigger of a database once more, as an entry would in an empty one: what no
 * statement may make here (it could make members differ) does not come in with a file either.
 * @throws {HiqliteError} `invalid`
 */
export function checkSchema(
  driver: SqliteDriver,
  connection: SqliteConnection,
  source: string,
): void {
  const shadows = connection.prepare(
    "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'",
  )!.all(NO_BINDINGS).map(([name]) => name);
  const objects = connection.prepare(
    "SELECT type, name, tbl_name, sql FROM main.sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY type <> 'table', type <> 'view', rowid",
  )!.all(NO_BINDINGS);
  const empty = openWriterConnection(driver, ":memory:");
  const originals = openOriginals(driver);
  try {
    const applier = new BatchApplier(empty, originals, {
      statementCacheCapacity: 16,
      schemaEpoch: new SchemaEpoch(),
      level: LEVEL,
      growthBytesMax: GROWTH_BYTES,
      hasRoom: () => true,
      interrupts: NO_INTERRUPTS,
    });
    for (const [type, name, table, sql] of objects) {
      if (shadows.includes(name!) || shadows.includes(table!)) continue;
      const reason = whyRefused(applier, String(sql));
      if (reason === null) continue;
      throw refusal(
        source,
        `the ${type} ${JSON.stringify(name)} may not be made here: ${reason}`,
      );
    }
  } finally {
    empty.close();
    originals.close();
  }
}

function whyRefused(applier: BatchApplier, sql: string): string | null {
  const payload = encode((writer) =>
    writeEnvelope(
      writer,
      "command",
      NO_IDENTITY,
      (body) => writeCommand(body, { kind: "execute", statement: { sql } }),
    )
  );
  const [answer] = applier.apply([{
    index: applier.position.applied.index + 1,
    term: 1,
    kind: EntryKind.command,
    payload,
  }]);
  const result = resultOf(decodeAnswer(answer!));
  return result.ok ? null : result.error.message;
}
