import { DependencyGraph } from "./dependency_graph.ts";
import { type HistoryEvent, pairEvents } from "./history.ts";
import { keyHistories, type KeyHistory } from "./list_versions.ts";
import { describe, type ListStep, type Transaction } from "./transaction.ts";
import type { Violation } from "./violation.ts";

/**
 * Checks transactions of appends and reads on lists for strict serializability,
 * in the manner of Elle: reads show the order of the versions of each key, from which
 * follow the dependencies between transactions; a cycle is a violation.
 */
export function checkListAppend(
  events: readonly HistoryEvent[],
): Violation[] {
  const transactions = transactionsOf(events);
  const violations: Violation[] = [];
  const keys = keyHistories(transactions, violations);
  violations.push(...lostUpdates(transactions, keys));
  const graph = new DependencyGraph();
  for (const history of keys.values()) addDependencies(graph, history);
  addRealTime(graph, transactions);
  for (const { anomaly, edges } of graph.cycles()) {
    const path = edges
      .filter(({ from }) => from < transactions.length)
      .map(({ from, kind }) => `${describe(transactions[from]!)} <${kind}`);
    violations.push({ anomaly, message: path.join(" ") });
  }
  return violations;
}

function transactionsOf(events: readonly HistoryEvent[]): Transaction[] {
  return pairEvents(events)
    .filter(({ invoke }) => invoke.f === "txn")
    .map(({ invoke, end, call, return: returned }) => ({
      outcome: end === undefined ? "info" : end.type as Transaction["outcome"],
      steps: (end?.type === "ok" ? end : invoke).value as readonly ListStep[],
      process: invoke.process,
      call,
      return: returned,
    }));
}

function addDependencies(graph: DependencyGraph, key: KeyHistory): void {
  const { order, writers, reads, unread } = key;
  const writerAt = (position: number): number | undefined =>
    writers.get(order[position]!);
  for (let i = 1; i < order.length; i++) {
    const [before, after] = [writerAt(i - 1), writerAt(i)];
    if (before !== undefined && after !== undefined) {
      graph.add(before, after, "ww");
    }
  }
  const last = writerAt(order.length - 1);
  for (const writer of unread) {
    if (last !== undefined) graph.add(last, writer, "ww");
  }
  for (const { reader, version } of reads) {
    const seen = writerAt(version - 1);
    if (seen !== undefined) graph.add(seen, reader, "wr");
    const next = version < order.length ? [writerAt(version)] : unread;
    for (const writer of next) {
      if (writer !== undefined) graph.add(reader, writer, "rw");
    }
  }
}

/** Orders what ended before what began, through a chain of marks: one edge per event instead of one per pair. */
function addRealTime(
  graph: DependencyGraph,
  transactions: readonly Transaction[],
): void {
  const moments = transactions.flatMap((transaction, id) => {
    if (transaction.outcome === "fail") return [];
    const begins = { at: transaction.call, id, ends: false };
    if (transaction.outcome === "info") return [begins];
    return [begins, { at: transaction.return, id, ends: true }];
  });
  moments.sort((a, b) => a.at - b.at);
  let mark = transactions.length - 1;
  for (const { id, ends } of moments) {
    if (ends) {
      if (mark >= transactions.length) graph.add(mark, mark + 1, "realtime");
      graph.add(id, ++mark, "realtime");
    } else if (mark >= transactions.length) {
      graph.add(mark, id, "realtime");
    }
  }
}

/** Two transactions that read the same version of a list and both appended to it. */
function lostUpdates(
  transactions: readonly Transaction[],
  keys: ReadonlyMap<string, KeyHistory>,
): Violation[] {
  const violations: Violation[] = [];
  for (const [name, { reads }] of keys) {
    const updaters = new Map<number, number>();
    for (const { reader, version } of reads) {
      const steps = transactions[reader]!.steps;
      const read = steps.findIndex(([f, key]) => f === "r" && key === name);
      const append = steps.findIndex(([f, key]) =>
        f === "append" && key === name
      );
      if (append < read) continue;
      const other = updaters.get(version);
      if (other === undefined) {
        updaters.set(version, reader);
        continue;
      }
      violations.push({
        anomaly: "lost update",
        message: `${describe(transactions[other]!)} and ${
          describe(transactions[reader]!)
        } both extended version ${version} of ${name}`,
      });
    }
  }
  return violations;
}
