import { type Entry, EntryKind } from "../../../raft/types.ts";
import type { Logger } from "../../../util/logger.ts";
import type { Preparation } from "../../port.ts";
import { decodeEnvelope } from "../../envelope.ts";
import { decodeCommand, type EntryCommand } from "../../sql/command.ts";

/** Logs the SQL text of the commands among entries, without their parameters. */
export function logEntries(logger: Logger, entries: readonly Entry[]): void {
  for (const { index, kind, payload } of entries) {
    if (kind === EntryKind.command) {
      logStatements(logger, { first: index, payloads: [payload] });
    }
  }
}

/** The same for commands that will be the entries from `first` on. */
export function logStatements(
  logger: Logger,
  { first, payloads }: Pick<Preparation, "first" | "payloads">,
): void {
  payloads.forEach((payload, i) => {
    for (const sql of textsOf(payload)) {
      logger.info("statement", { index: first + i, sql });
    }
  });
}

/** None if it cannot be decoded. */
function textsOf(payload: Uint8Array): readonly string[] {
  let command: EntryCommand;
  try {
    const { kind, body } = decodeEnvelope(payload);
    if (kind !== "command") return [];
    command = decodeCommand(body);
  } catch {
    return [];
  }
  switch (command.kind) {
    case "execute":
      return [command.statement.sql];
    case "txn":
      return command.statements.map((statement) => statement.sql);
    case "batch":
      return [command.sql];
    case "lock":
    case "token":
    case "backup":
    case "audit":
      return [];
    case "migrate":
      return command.migrations.map((migration) => migration.sql);
    case "notify":
      return [];
  }
}
