import { errorLine, LINES_TYPE, rowLines } from "../../api/row_lines.ts";
import type { JsonExportLine } from "../../api/dashboard/sql.ts";
import { fieldsOf } from "../../api/fields.ts";
import { statementFromJson } from "../../api/statement.ts";
import type { RowStream } from "../../node/port.ts";
import { eventStream } from "../event_stream.ts";
import type { DashboardHandler } from "./asking.ts";
import { bodyOf, type HandlerParts, untilSignedOut } from "./handler_parts.ts";
import { readOf } from "./read_of.ts";

/** Longest time until the rows of an export are there, ms. */
const EXPORT_MS = 600_000;
/** How long a browser may take nothing, ms. */
const STALL_MS = 120_000;
/** Rows are there when they are asked for: nothing need be said meanwhile. */
const NEVER_MS = 2 ** 31 - 1;

/** All rows of a query, from one state of the database, as they are taken: no row of it is in this process twice. */
export function exportRows(parts: HandlerParts): DashboardHandler {
  return async (asking) => {
    const { context, session, deed } = asking;
    const statement = await bodyOf(
      parts,
      asking,
      (json) => statementFromJson(fieldsOf(json, ["sql", "params"]), "", false),
    );
    deed.detail = statement.sql.trim();
    const stream = await parts.member.rows({
      ...statement,
      ...readOf(parts, asking),
      limits: { timeoutMs: EXPORT_MS },
    });
    deed.rows = stream.count;
    const ended = new AbortController();
    ended.signal.addEventListener("abort", () => void stream.end());
    const body = eventStream({
      events: linesOf(stream),
      ended,
      text: ({ text }) => text,
      error: errorLine,
      lasts: untilSignedOut(parts.sessions, session),
      signMs: NEVER_MS,
      stallMs: STALL_MS,
    });
    return context.body(body, 200, { "content-type": LINES_TYPE });
  };
}

/** The lines of an export, some at a time. */
async function* linesOf(
  stream: RowStream,
): AsyncGenerator<{ readonly text: string }> {
  try {
    yield { text: line({ columns: stream.columns }) };
    for (;;) {
      const rows = await stream.next();
      if (rows === null) break;
      yield { text: rowLines(rows) };
    }
    const { count: rows, index } = stream;
    yield { text: line({ end: true, rows, index }) };
  } finally {
    await stream.end();
  }
}

function line(json: JsonExportLine): string {
  return `${JSON.stringify(json)}\n`;
}
