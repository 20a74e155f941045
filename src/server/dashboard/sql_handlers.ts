import type {
  JsonAnalysis,
  JsonAnalyzed,
} from "../../api/dashboard/analysis.ts";
import type {
  JsonDashboardImported,
  JsonDashboardRows,
} from "../../api/dashboard/sql.ts";
import {
  arrayField,
  consistencyField,
  fieldsOf,
  integerField,
  textField,
} from "../../api/fields.ts";
import { idempotencyKeyOf } from "../../api/idempotency_key.ts";
import { invalid, rowsFromJson, rowsToJson } from "../../api/json.ts";
import { WRITES } from "../../api/routes/sql.ts";
import { statementFromJson } from "../../api/statement.ts";
import { HiqliteError } from "../../errors.ts";
import type { QueryRequest } from "../../node/port.ts";
import type { StatementAnalysis } from "../../state/sql/analysis.ts";
import { foldName } from "../../state/sql/names.ts";
import type { SqlValue } from "../../state/sql/types.ts";
import type {
  DashboardAsking,
  DashboardHandler,
  DashboardHandlers,
} from "./asking.ts";
import { exportRows } from "./export_rows.ts";
import { readOf } from "./read_of.ts";
import { runOf } from "./run_of.ts";
import { asRoute, bodyOf, type HandlerParts } from "./handler_parts.ts";
import { importRows, type RowsToImport } from "./import_rows.ts";

const LIMIT_DEFAULT = 1000;
const LIMIT_MAX = 5000;
const IMPORT_ROWS_MAX = 500;

/** Statements of people. */
export function sqlHandlers(parts: HandlerParts) {
  const { member, mounting } = parts;
  return {
    query: async (asking) => {
      const { context } = asking;
      const { limit, request } = await bodyOf(parts, asking, queryOf);
      const since = performance.now();
      const { columns, rows, index } = await member.query({
        ...request,
        ...readOf(parts, asking),
        // One more says whether there are more.
        limits: { ...parts.limits, firstRows: limit + 1 },
      });
      const answer: JsonDashboardRows = {
        columns,
        rows: rowsToJson(rows.slice(0, limit)),
        more: rows.length > limit,
        index,
        ms: Math.round(10 * (performance.now() - since)) / 10,
        node_id: parts.nodeId(),
      };
      const text = JSON.stringify(answer);
      const { deliveries } = mounting;
      return deliveries.response(context, text, 200, "application/json");
    },
    analyze: async (asking) => {
      const { sql, plan } = await bodyOf(parts, asking, analysisOf);
      const { rows } = await member.query({
        sql,
        ...readOf(parts, asking),
        analysis: { plan },
      });
      const found = JSON.parse(rows[0]![0] as string) as StatementAnalysis[];
      const answer: JsonAnalysis = { statements: found.map(analysisToJson) };
      return asking.context.json(answer);
    },
    write: writeStatements(parts),
    export: exportRows(parts),
    import: async (asking) => {
      const { deed, context } = asking;
      const rows = await bodyOf(parts, asking, importOf);
      const { idempotencyKey } = keyOf(asking);
      deed.run = runOf(context);
      deed.detail = deed.run === null
        ? `${rows.rows.length} rows into ${rows.table}`
        : `rows into ${rows.table}`;
      const { bad, index } = await importRows(member, rows, idempotencyKey);
      deed.did = index;
      deed.rows = rows.rows.length - bad.length;
      if (deed.run !== null) deed.run = { ...deed.run, count: deed.rows };
      const answer: JsonDashboardImported = {
        inserted: deed.rows,
        bad,
        index,
      };
      return context.json(answer);
    },
  } satisfies Partial<DashboardHandlers>;
}

/** Statements that change something, all or nothing; of a file, a part of them. */
function writeStatements(parts: HandlerParts): DashboardHandler {
  return (asking) =>
    asRoute(parts, asking, WRITES.txn, async (request) => {
      const { body } = request;
      const statements = body.kind === "txn" ? body.statements : [];
      const { deed } = asking;
      deed.run = runOf(asking.context);
      deed.detail = statements.map(({ sql }) => sql.trim()).join(";\n");
      const answer = await parts.member.write({ ...request, ...keyOf(asking) });
      deed.did = answer.index;
      const { result } = answer;
      if (!result.ok) {
        deed.outcome = result.error.code;
        return answer;
      }
      deed.rows = result.results
        .reduce((sum, { rowsAffected }) => sum + rowsAffected, 0);
      if (deed.run !== null) {
        deed.run = { ...deed.run, count: statements.length };
      }
      return answer;
    });
}

/** @throws {HiqliteError} `invalid` if there is none: a click that is repeated must be applied once. */
function keyOf({ context }: DashboardAsking): {
  readonly idempotencyKey: string;
} {
  const { idempotencyKey } = idempotencyKeyOf(context.req.raw.headers);
  if (idempotencyKey !== undefined) return { idempotencyKey };
  throw new HiqliteError(
    "invalid",
    "Idempotency-Key: is missing; send one for each click, and the same one again with a repetition",
  );
}

function analysisOf(json: unknown): {
  readonly sql: string;
  readonly plan: boolean;
} {
  const fields = fieldsOf(json, ["sql", "plan"]);
  const plan = fields.get("plan") ?? false;
  if (typeof plan !== "boolean") {
    throw invalid("plan", "expected true or false");
  }
  return { sql: textField(fields, "sql"), plan };
}

function analysisToJson(
  { hasWhere, ...found }: StatementAnalysis,
): JsonAnalyzed {
  return { ...found, has_where: hasWhere };
}

function queryOf(json: unknown): {
  readonly limit: number;
  readonly request: QueryRequest;
} {
  const fields = fieldsOf(json, [
    "sql",
    "params",
    "consistency",
    "min_index",
    "limit",
  ]);
  const most = Number.MAX_SAFE_INTEGER;
  const minIndex = integerField(fields, "min_index", 0, most);
  return {
    limit: integerField(fields, "limit", 1, LIMIT_MAX) ?? LIMIT_DEFAULT,
    request: {
      ...statementFromJson(fields, "", false),
      consistency: consistencyField(fields),
      ...(minIndex === undefined ? {} : { minIndex }),
    },
  };
}

function importOf(json: unknown): RowsToImport {
  const fields = fieldsOf(json, ["table", "columns", "rows"]);
  const columns = arrayField(fields, "columns");
  const rows = arrayField(fields, "rows");
  if (
    columns.length === 0 || columns.some((name) => typeof name !== "string")
  ) throw invalid("columns", "expected names of columns, one at least");
  if (rows.length === 0 || rows.length > IMPORT_ROWS_MAX) {
    throw invalid(
      "rows",
      `expected 1 to ${IMPORT_ROWS_MAX} rows, got ${rows.length}`,
    );
  }
  const folded = (columns as string[]).map(foldName);
  const twice = folded.findIndex((name, at) => folded.indexOf(name) < at);
  if (twice >= 0) {
    throw invalid(
      `columns[${twice}]`,
      `the column ${JSON.stringify(columns[twice])} is named twice`,
    );
  }
  const wrong = rows.findIndex((row) =>
    !Array.isArray(row) || row.length !== columns.length
  );
  if (wrong >= 0) {
    throw invalid(
      `rows[${wrong}]`,
      `expected a list of ${columns.length} values, one for each column`,
    );
  }
  return {
    table: textField(fields, "table"),
    columns: columns as string[],
    rows: (rowsFromJson(rows as unknown[][]) as SqlValue[][]).map((
      values,
      at,
    ) => ({ values, reals: (rows as unknown[][])[at]!.map(isMarkedReal) })),
  };
}

/** A number with this mark is one, also where it is whole. */
function isMarkedReal(json: unknown): boolean {
  return typeof json === "object" && json !== null &&
    Object.hasOwn(json, "$float");
}
