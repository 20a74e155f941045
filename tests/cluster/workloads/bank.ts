import { randomBetween } from "../../../src/util/random.ts";
import { checkBank } from "../../checker/bank.ts";
import {
  CALL_MS,
  type ClientContext,
  endingOf,
  type Workload,
} from "./workload.ts";

const ACCOUNTS = 6;
const BALANCE = 20;

/** Transfers in transactions, and reads of all balances, linearizable and local. */
export function bankWorkload(): Workload {
  const rows = Array.from({ length: ACCOUNTS }, (_, i) => `(${i}, ${BALANCE})`);
  return {
    name: "bank",
    schema: [
      "CREATE TABLE IF NOT EXISTS accounts (id INTEGER PRIMARY KEY, balance INTEGER NOT NULL CHECK (balance >= 0)) STRICT",
      `INSERT OR IGNORE INTO accounts (id, balance) VALUES ${rows.join(", ")}`,
    ],
    operate: (context) =>
      randomBetween(context.random, 0, 3) === 0
        ? read(context, randomBetween(context.random, 0, 2) === 0)
        : transfer(context),
    finish: (context) => read(context, false),
    check: (events) =>
      checkBank(events, { accounts: ACCOUNTS, total: ACCOUNTS * BALANCE }),
  };
}

function read(
  { recorder, process, api, node }: ClientContext,
  local: boolean,
) {
  const consistency = local ? "local" : "linearizable";
  const invocation = { f: "read", key: consistency, value: null, node };
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.query({ sql: "SELECT id, balance FROM accounts" }, {
        consistency,
        timeoutMs: CALL_MS,
      }),
      ({ rows }) => Object.fromEntries(rows),
    ));
}

function transfer({ random, recorder, process, api, node }: ClientContext) {
  const from = randomBetween(random, 0, ACCOUNTS);
  const to = (from + randomBetween(random, 1, ACCOUNTS)) % ACCOUNTS;
  const amount = randomBetween(random, 1, 6);
  const invocation = { f: "transfer", value: { from, to, amount }, node };
  const move = "UPDATE accounts SET balance = balance + ? WHERE id = ?";
  return recorder.record(process, invocation, async () =>
    endingOf(
      await api.txn([
        { sql: move, params: [amount, to] },
        { sql: move, params: [-amount, from] },
      ], { timeoutMs: CALL_MS }),
      () => null,
    ));
}
