import { randomBetween } from "../../../src/util/random.ts";
import { checkListAppend } from "../../checker/list_append.ts";
import type { ListStep } from "../../checker/transaction.ts";
import type { ApiRows, ApiStatement } from "../api.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

const KEYS = 4;

/** Transactions before the keys are left for new ones, so that lists stay short. */
const TRANSACTIONS_PER_GENERATION = 200;

const READ = "SELECT value FROM list_items WHERE key = ? ORDER BY position";
const APPEND = "INSERT INTO list_items (key, value) VALUES (?, ?)";

/** Transactions that append to lists and read them whole. */
export function listAppendWorkload(): Workload {
  let transactions = 0;
  let unique = 0;
  const draw = ({ random }: ClientContext): ListStep[] => {
    const generation = Math.floor(transactions++ / TRANSACTIONS_PER_GENERATION);
    const onlyReads = randomBetween(random, 0, 3) === 0;
    return Array.from({ length: randomBetween(random, 1, 5) }, () => {
      const key = `l${generation * KEYS + randomBetween(random, 0, KEYS)}`;
      const append = !onlyReads && randomBetween(random, 0, 2) === 0;
      return append ? ["append", key, ++unique] : ["r", key, null];
    });
  };
  return {
    name: "list-append",
    schema: [
      "CREATE TABLE IF NOT EXISTS list_items (position INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL, value INTEGER NOT NULL) STRICT",
      "CREATE INDEX IF NOT EXISTS list_items_key ON list_items (key, position)",
    ],
    operate: (context) => {
      const { recorder, process, api, node } = context;
      const steps = draw(context);
      const invocation = { f: "txn", value: steps, node };
      return recorder.record(
        process,
        invocation,
        async () =>
          steps.every(([f]) => f === "r")
            ? endingOf(
              await api.query(oneRead(steps), {
                consistency: "linearizable",
                timeoutMs: CALL_MS,
              }),
              (answer) => splitRead(steps, answer),
            )
            : endingOf(
              await api.txn(steps.map(statementOf), { timeoutMs: CALL_MS }),
              ({ results }) =>
                steps.map((step, i) => answered(step, results[i]!)),
            ),
      );
    },
    check: checkListAppend,
  };
}

function statementOf([f, key, value]: ListStep): ApiStatement {
  return f === "append"
    ? { sql: APPEND, params: [key, value] }
    : { sql: READ, params: [key] };
}

function answered(step: ListStep, { rows }: ApiRows): ListStep {
  if (step[0] === "append") return step;
  return ["r", step[1], rows!.map(([value]) => value as number)];
}

/** All reads of a transaction as one query, so that they see one state. */
function oneRead(steps: readonly ListStep[]): ApiStatement {
  return {
    sql: `SELECT key, value FROM list_items WHERE key IN (${
      steps.map(() => "?").join(", ")
    }) ORDER BY position`,
    params: steps.map(([, key]) => key),
  };
}

function splitRead(steps: readonly ListStep[], answer: ApiRows): ListStep[] {
  return steps.map(([, key]) => {
    const rows = answer.rows!.filter(([name]) => name === key);
    return ["r", key, rows.map(([, value]) => value as number)];
  });
}
