import { randomBetween } from "../../../src/util/random.ts";
import { type HistoryEvent, operationsOf } from "../../checker/history.ts";
import type { Violation } from "../../checker/violation.ts";
import { nonlinearizable } from "../../checker/linearizability.ts";
import {
  type RegisterInput,
  registerModel,
  type RegisterOutput,
} from "../../checker/register.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  keysInTurn,
  type Workload,
} from "./workload.ts";

/** Keys that are in use at the same time. */
const KEYS = 3;

/**
 * Registers with compare-and-set, read linearizably on any member. Every value is
 * written once, so that an old one is known when it comes back.
 */
export function registerWorkload(): Workload {
  const nextKey = keysInTurn("r", KEYS);
  let unique = 0;
  /** What was seen last, for a compare-and-set that has a chance. */
  const seen = new Map<string, number>();
  const operate = (context: ClientContext) => {
    const { random } = context;
    const key = nextKey(random);
    switch (randomBetween(random, 0, 3)) {
      case 0:
        return read(context, key, (value) => seen.set(key, value));
      case 1:
        return write(context, key, ++unique);
      default:
        return cas(context, key, seen.get(key) ?? 0, ++unique);
    }
  };
  return {
    name: "register",
    schema: [
      "CREATE TABLE IF NOT EXISTS registers (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT",
    ],
    operate,
    check: registerViolations,
  };
}

/** What is wrong with a history of reads, writes and compare-and-sets of registers. */
export function registerViolations(
  events: readonly HistoryEvent[],
): readonly Violation[] {
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
  return nonlinearizable(registerModel, calls);
}

function read(
  { recorder, process, api, node }: ClientContext,
  key: string,
  saw: (value: number) => void,
) {
  const invocation = { f: "read", key, value: [], node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.query(
        { sql: "SELECT value FROM registers WHERE key = ?", params: [key] },
        { consistency: "linearizable", timeoutMs: CALL_MS },
      ),
      ({ rows }) => {
        const value = (rows[0]?.[0] ?? null) as number | null;
        if (value !== null) saw(value);
        return value;
      },
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
