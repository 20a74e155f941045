import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween } from "../../../src/util/random.ts";
import { checkSet } from "../../checker/set.ts";
import type { ApiFence, MemberApi } from "../api.ts";
import type { Ending } from "../recorder.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  keysInTurn,
  type Workload,
} from "./workload.ts";

/** How long a lock is held by a client that does not say anything, ms. */
export const TTL_MS = 800;
const WAIT_MS = 2_000;
/** Writes a set's elements. */
export const ADD =
  "INSERT INTO guarded_sets VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET elements = ?2";

/** Options of {@linkcode guardedSetWorkload}. */
export interface GuardedSetOptions {
  /** Whether writes name their lock: without that the history shows what was lost. @default {true} */
  readonly fenced?: boolean;
  /** One client in so many stands still between its look and its write, for longer than its lease. @default {8} */
  readonly stalls?: number;
}

/**
 * Sets that are read, and written back with an element more, by whoever holds their lock. Now and then a holder
 * stands still for longer than its lease, as a process that is stopped, and writes when it goes on.
 */
export function guardedSetWorkload(
  { fenced = true, stalls = 8 }: GuardedSetOptions = {},
): Workload {
  const nextSet = keysInTurn("s", 1);
  let unique = 0;
  return {
    name: fenced ? "guarded-set" : "unguarded-set",
    schema: [
      "CREATE TABLE IF NOT EXISTS guarded_sets (name TEXT PRIMARY KEY, elements TEXT NOT NULL) STRICT",
    ],
    operate: (context) => {
      const { random, recorder, process, node, api } = context;
      const value = ++unique;
      const name = nextSet(random);
      return recorder.record(process, { f: "add", value, node }, async () => {
        const granted = await api.lock(
          name,
          { ttl_ms: TTL_MS, wait_ms: WAIT_MS },
          CALL_MS,
        );
        if (granted.type !== "ok") {
          return { type: "fail", error: granted.error };
        }
        const fence = { name, token: granted.value.token };
        try {
          const stall = randomBetween(random, 0, stalls) === 0
            ? randomBetween(random, TTL_MS, 2 * TTL_MS)
            : 0;
          return await addUnder(context, fence, { value, fenced, stall });
        } finally {
          await api.unlock(fence, CALL_MS);
        }
      });
    },
    finish: readAll,
    check: checkSet,
  };
}

/** Reads the set, and writes it with an element more. */
async function addUnder(
  { api, other }: ClientContext,
  fence: ApiFence,
  { value, fenced, stall }: {
    readonly value: number;
    readonly fenced: boolean;
    readonly stall: number;
  },
): Promise<Ending> {
  const { name } = fence;
  const found = await elementsOf(other().api, name);
  if (found.type !== "ok") return found;
  if (stall > 0) await sleep(stall);
  const elements = [...found.value as number[], value];
  const result = await api.execute({
    sql: ADD,
    params: [name, JSON.stringify(elements)],
    ...fenced ? { fence } : {},
  }, { timeoutMs: CALL_MS });
  return endingOf(result, () => null);
}

async function elementsOf(api: MemberApi, name: string): Promise<Ending> {
  return endingOf(
    await api.query({
      sql: "SELECT elements FROM guarded_sets WHERE name = ?",
      params: [name],
    }, { consistency: "linearizable", timeoutMs: CALL_MS }),
    ({ rows }) => rows.length === 0 ? [] : JSON.parse(`${rows[0]![0]}`),
  );
}

function readAll({ recorder, process, api, node }: ClientContext) {
  const invocation = { f: "read", value: null, node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.query({ sql: "SELECT elements FROM guarded_sets" }, {
        consistency: "linearizable",
        timeoutMs: 10_000,
      }),
      ({ rows }) => rows.flatMap(([elements]) => JSON.parse(`${elements}`)),
    ));
}
