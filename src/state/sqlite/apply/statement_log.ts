import { type Entry, EntryKind } from "../../../raft/types.ts";
import type { Logger } from "../../../util/logger.ts";
import { decodeCommand } from "../../sql/command.ts";
import type { CommandBody } from "../../sql/types.ts";

/** Logs the SQL text of commands, without their parameters. */
export function logStatements(
  logger: Logger,
  entries: readonly Entry[],
): void {
  for (const { index, kind, payload } of entries) {
    if (kind !== EntryKind.command) continue;
    for (const sql of textsOf(payload)) {
      logger.info("statement", { index, sql });
    }
  }
}

/** None if it cannot be decoded. */
function textsOf(payload: Uint8Array): readonly string[] {
  let body: CommandBody;
  try {
    body = decodeCommand(payload).body;
  } catch {
    return [];
  }
  switch (body.kind) {
    case "execute":
      return [body.statement.sql];
    case "txn":
      return body.statements.map((statement) => statement.sql);
    case "batch":
      return [body.sql];
    case "migrate":
      return body.migrations.map((migration) => migration.sql);
    case "openSession":
    case "closeSession":
      return [];
  }
}
