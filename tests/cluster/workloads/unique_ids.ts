import { checkUniqueIds } from "../../checker/unique_ids.ts";
import { CALL_MS, endingOf, type Workload } from "./workload.ts";

/** Ids handed out by the database through RETURNING. */
export function uniqueIdsWorkload(): Workload {
  return {
    name: "unique-ids",
    schema: [
      "CREATE TABLE IF NOT EXISTS ids (id INTEGER PRIMARY KEY AUTOINCREMENT, process INTEGER NOT NULL, tag BLOB NOT NULL DEFAULT (randomblob(8)), made TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)",
    ],
    operate: ({ recorder, process, api, node }) => {
      const invocation = { f: "generate", value: null, node };
      return recorder.record(process, invocation, async () =>
        endingOf(
          await api.execute({
            sql: "INSERT INTO ids (process) VALUES (?) RETURNING id",
            params: [process],
          }, { timeoutMs: CALL_MS }),
          ({ rows }) => rows![0]![0],
        ));
    },
    check: checkUniqueIds,
  };
}
