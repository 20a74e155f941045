import type { HistoryEvent } from "../../checker/history.ts";
import type { Violation } from "../../checker/violation.ts";
import { type Random, randomBetween } from "../../../src/util/random.ts";
import type { ApiResult, MemberApi } from "../api.ts";
import type { Ending, Recorder } from "../recorder.ts";

/** Longest wait for one answer, ms. */
export const CALL_MS = 3000;

/** Operations on a key before it is left for a new one, so that checking stays cheap. */
const OPERATIONS_PER_KEY = 120;

/** What one operation of a client works with. */
export interface ClientContext {
  readonly random: Random;
  readonly recorder: Recorder;
  /** The member to ask now. */
  readonly node: number;
  readonly api: MemberApi;
  /** Another member, for a retry. */
  readonly other: () => { readonly node: number; readonly api: MemberApi };
  /** The logical client; a new one after every unknown outcome. */
  readonly process: number;
}

/** What clients do, and what must be true of their history. */
export interface Workload {
  readonly name: string;
  /** Statements that make its tables; each may be repeated. */
  readonly schema: readonly string[];
  /** One operation, recorded. Answers how it ended. */
  operate(context: ClientContext): Promise<Ending>;
  /** A last look at everything when the cluster is well again, recorded. */
  finish?(context: ClientContext): Promise<Ending>;
  /** What is wrong with the history. */
  check(events: readonly HistoryEvent[]): readonly Violation[];
}

/** The ending of an API call, with the answer turned into the recorded value. */
export function endingOf<T>(
  result: ApiResult<T>,
  value: (answer: T) => unknown,
): Ending {
  return result.type === "ok"
    ? { type: "ok", value: value(result.value) }
    : result;
}

/** Names of keys, one for each operation: so many are in use at the same time, and others after a while. */
export function keysInTurn(
  prefix: string,
  keys: number,
): (random: Random) => string {
  let operations = 0;
  return (random) => {
    const generation = Math.floor(operations++ / (keys * OPERATIONS_PER_KEY));
    return `${prefix}${generation * keys + randomBetween(random, 0, keys)}`;
  };
}
