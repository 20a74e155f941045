import { deepEqual } from "node:assert/strict";
import type { ApiStatement, MemberApi, QueryAnswer } from "./api.ts";

/**
 * Rows of every table of the user, by table name, in a fixed order; also of
 * `sqlite_schema` (what was created, in its own words) and `sqlite_sequence`
 * (the AUTOINCREMENT counters).
 */
export type Contents = Readonly<Record<string, readonly string[]>>;

const READ_MS = 30_000;
/** Below the most rows that one answer may have. */
const PAGE_ROWS = 50_000;

/** Everything one member holds, read locally when it has applied at least `minIndex`. */
export async function contentsOf(
  api: MemberApi,
  minIndex: number,
): Promise<Contents> {
  const query = async (statement: ApiStatement): Promise<QueryAnswer> => {
    const result = await api.query(statement, {
      consistency: "local",
      minIndex,
      timeoutMs: READ_MS,
    });
    if (result.type === "ok") return result.value;
    throw new Error(`${statement.sql}: ${result.error}`);
  };
  const schema = await query({
    sql: `SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE ${
      ["_hql", "_hiqlite"].map((own) =>
        `substr(tbl_name, 1, ${own.length}) <> '${own}'`
      ).join(" AND ")
    } ORDER BY type, name`,
  });
  const contents: Record<string, readonly string[]> = {
    sqlite_schema: schema.rows.map((row) => JSON.stringify(row)),
  };
  for (const [type, name] of schema.rows) {
    if (type !== "table") continue;
    const quoted = `"${String(name).replaceAll('"', '""')}"`;
    const lines: string[] = [];
    let rows: QueryAnswer["rows"];
    do {
      const sql = `SELECT * FROM ${quoted} LIMIT ? OFFSET ?`;
      ({ rows } = await query({ sql, params: [PAGE_ROWS, lines.length] }));
      for (const row of rows) lines.push(JSON.stringify(row));
    } while (rows.length === PAGE_ROWS);
    contents[String(name)] = lines.sort();
  }
  return contents;
}

/** Throws unless all members hold the same. Nobody may write meanwhile. */
export async function assertEqualContents(
  members: readonly { readonly node: number; readonly api: MemberApi }[],
  minIndex: number,
): Promise<Contents> {
  const [first, ...others] = await Promise.all(
    members.map(async ({ node, api }) => ({
      node,
      contents: await contentsOf(api, minIndex),
    })),
  );
  for (const { node, contents } of others) {
    deepEqual(
      contents,
      first!.contents,
      `members ${first!.node} and ${node} differ`,
    );
  }
  return first!.contents;
}
