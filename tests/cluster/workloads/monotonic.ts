import { randomBetween } from "../../../src/util/random.ts";
import { checkMonotonicReads } from "../../checker/monotonic_reads.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

/** A value that only grows, read locally on any member by clients that pass on the last index they saw. */
export function monotonicWorkload(): Workload {
  const lastIndex = new Map<number, number>();
  const seen = (process: number, index: number): void => {
    lastIndex.set(process, Math.max(index, lastIndex.get(process) ?? 0));
  };
  const write = ({ recorder, process, api, node }: ClientContext) => {
    const invocation = { f: "write", value: null, node };
    return recorder.record(process, invocation, async () =>
      endingOf(
        await api.execute({
          sql:
            "UPDATE growing SET value = value + 1 WHERE id = 1 RETURNING value",
        }, { timeoutMs: CALL_MS }),
        ({ rows, index }) => {
          seen(process, index);
          return rows![0]![0];
        },
      ));
  };
  const read = ({ recorder, process, api, node }: ClientContext) => {
    const minIndex = lastIndex.get(process) ?? 0;
    const invocation = { f: "read", value: null, node };
    return recorder.record(process, invocation, async () =>
      endingOf(
        await api.query({ sql: "SELECT value FROM growing WHERE id = 1" }, {
          consistency: "local",
          minIndex,
          timeoutMs: CALL_MS,
        }),
        ({ rows, index }) => {
          seen(process, index);
          return rows[0]![0];
        },
      ));
  };
  return {
    name: "monotonic",
    schema: [
      "CREATE TABLE IF NOT EXISTS growing (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT",
      "INSERT OR IGNORE INTO growing (id, value) VALUES (1, 0)",
    ],
    operate: (context) =>
      randomBetween(context.random, 0, 3) === 0
        ? write(context)
        : read(context),
    check: checkMonotonicReads,
  };
}
