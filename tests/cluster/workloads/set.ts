import { checkSet } from "../../checker/set.ts";
import { retried } from "./retry.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

/** Rows that are read at once: after half an hour there are more than an answer may have. */
const PAGE_ROWS = 20_000;

/** Inserts of unique numbers into a table that would take them twice, repeated until they are answered. */
export function setWorkload(): Workload {
  let unique = 0;
  return {
    name: "set",
    schema: [
      "CREATE TABLE IF NOT EXISTS elements (value INTEGER NOT NULL) STRICT",
    ],
    operate: (context) => {
      const { recorder, process, node } = context;
      const value = ++unique;
      return recorder.record(
        process,
        { f: "add", value, node },
        async () =>
          endingOf(
            await retried(context, (api, idempotencyKey) =>
              api.execute({
                sql: "INSERT INTO elements (value) VALUES (?)",
                params: [value],
              }, { timeoutMs: CALL_MS, idempotencyKey })),
            () => null,
          ),
      );
    },
    finish: readAll,
    check: checkSet,
  };
}

/** Nobody writes any more: what an unknown write adds later comes behind what was read. */
function readAll({ recorder, process, api, node }: ClientContext) {
  const invocation = { f: "read", value: null, node };
  return recorder.record(process, invocation, async () => {
    const values: unknown[] = [];
    for (let after = 0;;) {
      const page = await api.query({
        sql:
          "SELECT rowid, value FROM elements WHERE rowid > ? ORDER BY rowid LIMIT ?",
        params: [after, PAGE_ROWS],
      }, { consistency: "linearizable", timeoutMs: 10_000 });
      if (page.type !== "ok") return endingOf(page, () => null);
      const { rows } = page.value;
      values.push(...rows.map(([, value]) => value));
      if (rows.length < PAGE_ROWS) return endingOf(page, () => values);
      after = Number(rows.at(-1)![0]);
    }
  });
}
