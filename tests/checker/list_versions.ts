import { describe, type Transaction } from "./transaction.ts";
import type { Violation } from "./violation.ts";

/** What the reads of one key show. */
export interface KeyHistory {
  /** Who appended a value, by position in the transactions. */
  readonly writers: Map<number, number>;
  /** Values in the order in which the longest read shows them. */
  order: readonly number[];
  /** What each transaction found before its own appends: a prefix of the order, by length. */
  readonly reads: { readonly reader: number; readonly version: number }[];
  /** Acknowledged transactions whose append no read shows. */
  readonly unread: number[];
}

/** Collects versions per key, and reports reads that no order of versions explains. */
export function keyHistories(
  transactions: readonly Transaction[],
  violations: Violation[],
): Map<string, KeyHistory> {
  const keys = new Map<string, KeyHistory>();
  collectWriters(transactions, keys, violations);
  const reads = collectReads(transactions, keys, violations);
  for (const read of reads) {
    const history = historyOf(keys, read.key);
    if (read.full.length > history.order.length) history.order = read.full;
  }
  for (const read of reads) {
    const history = historyOf(keys, read.key);
    const prefix = read.full.every((value, i) => value === history.order[i]);
    if (prefix) {
      history.reads.push({ reader: read.reader, version: read.version });
      continue;
    }
    violations.push({
      anomaly: "incompatible order",
      message: `${describe(transactions[read.reader]!)} is no prefix of ${
        JSON.stringify(history.order)
      } of ${read.key}`,
    });
  }
  for (const history of keys.values()) {
    const shown = new Set(history.order);
    for (const [value, writer] of history.writers) {
      const acknowledged = transactions[writer]!.outcome === "ok";
      if (acknowledged && !shown.has(value)) history.unread.push(writer);
    }
  }
  return keys;
}

function historyOf(keys: Map<string, KeyHistory>, key: string): KeyHistory {
  let history = keys.get(key);
  if (history === undefined) {
    history = { writers: new Map(), order: [], reads: [], unread: [] };
    keys.set(key, history);
  }
  return history;
}

function collectWriters(
  transactions: readonly Transaction[],
  keys: Map<string, KeyHistory>,
  violations: Violation[],
): void {
  transactions.forEach((transaction, id) => {
    for (const [f, key, value] of transaction.steps) {
      if (f !== "append") continue;
      const { writers } = historyOf(keys, key);
      if (writers.has(value)) {
        violations.push({
          anomaly: "ambiguous append",
          message: `${value} is appended to ${key} twice, also by ${
            describe(transaction)
          }`,
        });
      }
      writers.set(value, id);
    }
  });
}

/** The first read of a key in a transaction. */
interface ExternalRead {
  readonly reader: number;
  readonly key: string;
  readonly full: readonly number[];
  /** Length without the reader's own appends. */
  readonly version: number;
}

function collectReads(
  transactions: readonly Transaction[],
  keys: Map<string, KeyHistory>,
  violations: Violation[],
): ExternalRead[] {
  const found: ExternalRead[] = [];
  transactions.forEach((transaction, reader) => {
    if (transaction.outcome !== "ok") return;
    const expected = new Map<string, readonly number[]>();
    const own = new Map<string, number[]>();
    for (const [f, key, value] of transaction.steps) {
      if (f === "append") {
        const known = expected.get(key);
        if (known !== undefined) expected.set(key, [...known, value]);
        else own.set(key, [...own.get(key) ?? [], value]);
        continue;
      }
      const full = value ?? [];
      const appended = own.get(key) ?? [];
      const wanted = expected.get(key) ?? [
        ...full.slice(0, Math.max(0, full.length - appended.length)),
        ...appended,
      ];
      if (!equal(full, wanted)) {
        violations.push({
          anomaly: "internal",
          message: `${
            describe(transaction)
          } does not see its own past in ${key}`,
        });
        continue;
      }
      if (!expected.has(key)) {
        const version = full.length - appended.length;
        found.push({ reader, key, full, version });
        judgeElements(
          { transactions, transaction, violations, key },
          full.slice(0, version),
          historyOf(keys, key).writers,
        );
      }
      expected.set(key, full);
    }
  });
  return found;
}

function judgeElements(
  context: {
    readonly transactions: readonly Transaction[];
    readonly transaction: Transaction;
    readonly violations: Violation[];
    readonly key: string;
  },
  values: readonly number[],
  writers: ReadonlyMap<number, number>,
): void {
  const { transactions, transaction, violations, key } = context;
  const report = (anomaly: string, value: number): void => {
    const message = `${value} of ${key} in ${describe(transaction)}`;
    violations.push({ anomaly, message });
  };
  const seen = new Set<number>();
  values.forEach((value, i) => {
    if (seen.has(value)) report("duplicate element", value);
    seen.add(value);
    const writer = writers.get(value);
    if (writer === undefined) {
      report("phantom element", value);
      return;
    }
    const { outcome, steps } = transactions[writer]!;
    if (outcome === "fail") report("G1a", value);
    const last = steps.findLast(([f, name]) => f === "append" && name === key);
    if (i === values.length - 1 && last?.[2] !== value) report("G1b", value);
  });
}

function equal(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((value, i) => value === b[i]);
}
