import { checkSet } from "../../checker/set.ts";
import { retried } from "./retry.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

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

function readAll({ recorder, process, api, node }: ClientContext) {
  const invocation = { f: "read", value: null, node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.query({ sql: "SELECT value FROM elements" }, {
        consistency: "linearizable",
        timeoutMs: 10_000,
      }),
      ({ rows }) => rows.map(([value]) => value),
    ));
}
