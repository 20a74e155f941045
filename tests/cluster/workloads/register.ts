import { randomBetween } from "../../../src/util/random.ts";
import { operationsOf } from "../../checker/history.ts";
import { checkLinearizability } from "../../checker/linearizability.ts";
import {
  type RegisterInput,
  registerModel,
  type RegisterOutput,
} from "../../checker/register.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

/** Keys that are in use at the same time. */
const KEYS = 3;

/** Operations on a key before it is left for a new one, so that checking stays cheap. */
const OPERATIONS_PER_KEY = 120;

/** Registers with compare-and-set, read linearizably on any member. */
export function registerWorkload(): Workload {
  let operations = 0;
  const operate = (context: ClientContext) => {
    const { random } = context;
    const generation = Math.floor(operations++ / (KEYS * OPERATIONS_PER_KEY));
    const key = `r${generation * KEYS + randomBetween(random, 0, KEYS)}`;
    const value = randomBetween(random, 0, 5);
    switch (randomBetween(random, 0, 3)) {
      case 0:
        return read(context, key);
      case 1:
        return write(context, key, value);
      default:
        return cas(context, key, value, randomBetween(random, 0, 5));
    }
  };
  return {
    name: "register",
    schema: [
      "CREATE TABLE IF NOT EXISTS registers (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    ],
    operate,
    check: (events) => {
      const calls = operationsOf(
        events,
        ({ f, key, value }): RegisterInput => {
          const [from, to] = value as [number, number];
          if (f === "cas") return { f, key: key!, from, to };
          if (f === "read") return { f, key: key! };
          return { f: "write", key: key!, value: from };
        },
        ({ value }) => value as RegisterOutput,
      );
      const { verdict, counterexample } = checkLinearizability(
        registerModel,
        calls,
      );
      if (verdict === "linearizable") return [];
      const message = `${counterexample?.partition}: ${
        JSON.stringify(counterexample?.stuck)
      } fits nowhere`;
      return [{ anomaly: verdict, message }];
    },
  };
}

function read({ recorder, process, api, node }: ClientContext, key: string) {
  const invocation = { f: "read", key, value: [], node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.query(
        { sql: "SELECT value FROM registers WHERE key = ?", params: [key] },
        { consistency: "linearizable", timeoutMs: CALL_MS },
      ),
      ({ rows }) => rows[0]?.[0] ?? null,
    ));
}

function write(
  { recorder, process, api, node }: ClientContext,
  key: string,
  value: number,
) {
  const invocation = { f: "write", key, value: [value], node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.execute({
        sql:
          "INSERT INTO registers (key, value) VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params: [key, value],
      }, { timeoutMs: CALL_MS }),
      () => null,
    ));
}

function cas(
  { recorder, process, api, node }: ClientContext,
  key: string,
  from: number,
  to: number,
) {
  const invocation = { f: "cas", key, value: [from, to], node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.execute({
        sql: "UPDATE registers SET value = ? WHERE key = ? AND value = ?",
        params: [to, key, from],
      }, { timeoutMs: CALL_MS }),
      ({ rows_affected }) => rows_affected === 1,
    ));
}
