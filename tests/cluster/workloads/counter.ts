import { randomBetween } from "../../../src/util/random.ts";
import { checkCounter } from "../../checker/counter.ts";
import { retried } from "./retry.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

/** One counter whose increments are repeated until they are answered, each under its idempotency key. */
export function counterWorkload(): Workload {
  return {
    name: "counter",
    schema: [
      "CREATE TABLE IF NOT EXISTS counters (id INTEGER PRIMARY KEY, value INTEGER NOT NULL) STRICT",
      "INSERT OR IGNORE INTO counters (id, value) VALUES (1, 0)",
    ],
    operate: (context) =>
      randomBetween(context.random, 0, 4) === 0 ? read(context) : add(context),
    finish: read,
    check: checkCounter,
  };
}

function read({ recorder, process, api, node }: ClientContext) {
  const invocation = { f: "read", value: null, node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.query({ sql: "SELECT value FROM counters WHERE id = 1" }, {
        consistency: "linearizable",
        timeoutMs: CALL_MS,
      }),
      ({ rows }) => rows[0]![0],
    ));
}

function add(context: ClientContext) {
  const { recorder, process, node } = context;
  const invocation = { f: "add", value: 1, node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await retried(context, (api, idempotencyKey) =>
        api.execute({
          sql:
            "UPDATE counters SET value = value + 1 WHERE id = 1 RETURNING value",
        }, { timeoutMs: CALL_MS, idempotencyKey })),
      ({ rows }) => rows![0]![0],
    ));
}
