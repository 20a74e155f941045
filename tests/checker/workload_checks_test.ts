import { deepEqual } from "node:assert/strict";
import { checkBank } from "./bank.ts";
import { checkCounter } from "./counter.ts";
import { type EventType, type HistoryEvent, parseHistory } from "./history.ts";
import { checkHeard, type Heard } from "./heard.ts";
import { checkMonotonicReads } from "./monotonic_reads.ts";
import { checkSet } from "./set.ts";
import { checkUniqueIds } from "./unique_ids.ts";
import type { Violation } from "./violation.ts";

/** Events as `[process, type, f, value]`. */
function history(
  ...rows: [number, EventType, string, unknown][]
): HistoryEvent[] {
  return rows.map(([process, type, f, value], time) => ({
    process,
    type,
    f,
    value,
    time,
  }));
}

/** Calls one after the other as `[f, argument, answer]`. */
function sequential(...rows: [string, unknown, unknown][]): HistoryEvent[] {
  return history(...rows.flatMap(([f, argument, answer]) =>
    [
      [0, "invoke", f, argument],
      [0, "ok", f, answer],
    ] as [number, EventType, string, unknown][]
  ));
}

function anomalies(violations: readonly Violation[]): string[] {
  return violations.map(({ anomaly }) => anomaly);
}

const bank = { accounts: 2, total: 10 };

Deno.test("checkBank() accepts reads with the right total", () => {
  const events = sequential(["read", null, { a: 3, b: 7 }], ["transfer", 1, 2]);
  deepEqual(checkBank(events, bank), []);
});

Deno.test("checkBank() reports a wrong total, a missing account and a debt", () => {
  const events = sequential(
    ["read", null, { a: 3, b: 8 }],
    ["read", null, { a: 10 }],
    ["read", null, { a: -1, b: 11 }],
  );
  deepEqual(anomalies(checkBank(events, bank)), [
    "wrong total",
    "missing account",
    "negative balance",
  ]);
});

Deno.test("checkCounter() accepts open adds that count and that do not", () => {
  const rows: [number, EventType, string, unknown][] = [
    [1, "invoke", "add", 1],
    [1, "info", "add", null],
    [2, "invoke", "add", 1],
    [2, "info", "add", null],
    [0, "invoke", "add", 1],
    [0, "ok", "add", 2],
    [0, "invoke", "read", null],
    [0, "ok", "read", 2],
  ];
  deepEqual(checkCounter(history(...rows)), []);
});

Deno.test("checkCounter() reports an acknowledged add that is missing", () => {
  const events = sequential(["add", 1, 1], ["add", 1, 2], ["read", null, 1]);
  deepEqual(anomalies(checkCounter(events)), ["lost add"]);
});

Deno.test("checkCounter() reports an add that was applied twice", () => {
  const events = sequential(["add", 1, 1], ["read", null, 2]);
  deepEqual(anomalies(checkCounter(events)), ["added twice"]);
});

Deno.test("checkCounter() does not count a failed add", () => {
  const events = history(
    [0, "invoke", "add", 1],
    [0, "fail", "add", null],
    [0, "invoke", "read", null],
    [0, "ok", "read", 1],
  );
  deepEqual(anomalies(checkCounter(events)), ["added twice"]);
});

Deno.test("checkCounter() reports a read that goes back though the bounds allow it", () => {
  const events = history(
    [1, "invoke", "add", 1],
    [0, "invoke", "read", null],
    [0, "ok", "read", 1],
    [0, "invoke", "read", null],
    [0, "ok", "read", 0],
    [1, "ok", "add", 1],
  );
  deepEqual(anomalies(checkCounter(events)), ["lost add"]);
});

Deno.test("checkCounter() reports two adds with one answer", () => {
  const events = history(
    [0, "invoke", "add", 1],
    [1, "invoke", "add", 1],
    [0, "ok", "add", 1],
    [1, "ok", "add", 1],
  );
  deepEqual(anomalies(checkCounter(events)), ["repeated count"]);
});

Deno.test("checkUniqueIds() reports an id that was answered twice", () => {
  const good = sequential(["generate", null, 1], ["generate", null, 2]);
  const bad = sequential(["generate", null, 1], ["generate", null, 1]);
  deepEqual(checkUniqueIds(good), []);
  deepEqual(anomalies(checkUniqueIds(bad)), ["repeated id"]);
});

Deno.test("checkMonotonicReads() reports a process that reads less than before", () => {
  const bad = sequential(["read", null, 2], ["read", null, 1]);
  deepEqual(anomalies(checkMonotonicReads(bad)), ["read went back"]);
  const unread = sequential(["write", null, 3], ["read", null, 2]);
  deepEqual(anomalies(checkMonotonicReads(unread)), ["read went back"]);
});

Deno.test("checkMonotonicReads() lets another process be behind", () => {
  const events = history(
    [0, "invoke", "read", null],
    [0, "ok", "read", 2],
    [1, "invoke", "read", null],
    [1, "ok", "read", 1],
  );
  deepEqual(checkMonotonicReads(events), []);
});

Deno.test("checkSet() accepts a read that shows acknowledged and open adds", () => {
  const events = history(
    [0, "invoke", "add", 1],
    [0, "ok", "add", null],
    [1, "invoke", "add", 2],
    [1, "info", "add", null],
    [0, "invoke", "read", null],
    [0, "ok", "read", [1, 2]],
    [0, "invoke", "read", null],
    [0, "ok", "read", [1]],
  );
  deepEqual(checkSet(events), []);
});

Deno.test("checkSet() reports lost, doubled, phantom and refused elements", () => {
  const events = history(
    [0, "invoke", "add", 1],
    [0, "ok", "add", null],
    [0, "invoke", "add", 2],
    [0, "ok", "add", null],
    [0, "invoke", "add", 3],
    [0, "fail", "add", null],
    [0, "invoke", "read", null],
    [0, "ok", "read", [1, 1, 3, 9]],
  );
  deepEqual(anomalies(checkSet(events)), [
    "applied twice",
    "refused but applied",
    "phantom",
    "lost",
  ]);
});

Deno.test("checkSet() sees what holders of a lock overwrote that stood still for longer than their lease, without a fence", () => {
  // Recorded by the workload of `tests/cluster/guarded_set_test.ts` on three members.
  const file = new URL("recorded/unfenced_set.ndjson", import.meta.url);
  const events = parseHistory(Deno.readTextFileSync(file));
  const violations = checkSet(events);
  deepEqual([...new Set(anomalies(violations))], ["lost"]);
  const lost = violations.map(({ message }) => parseInt(message));
  deepEqual(lost, [4, 7, 10, 12, 14, 17, 18, 19, 20, 22]);
});

/** Adds one after the other, and a listener that hears what it is given, in visits. */
function listened(
  added: readonly (readonly [number, EventType])[],
  ...visits: readonly (readonly Heard["data"][])[]
): HistoryEvent[] {
  let number = 0;
  const rows = added.flatMap(([value, ending], process) =>
    [
      [process, "invoke", "add", value],
      [process, ending, "add", null],
    ] as [number, EventType, string, unknown][]
  );
  const heard = visits.flatMap((visit, at) =>
    [
      [99, "invoke", "hear", at === visits.length - 1 ? "all" : null],
      [
        99,
        "ok",
        "hear",
        visit.map((data) => {
          return { id: `x-${data}-${++number}`, data };
        }),
      ],
    ] as [number, EventType, string, unknown][]
  );
  return history(...rows, ...heard);
}

Deno.test("checkHeard() accepts events that are heard once, in several visits, and doubtful ones or not", () => {
  const added = [[1, "ok"], [2, "info"], [3, "ok"], [4, "info"]] as const;
  deepEqual(checkHeard(listened(added, [1], [], [2, 3])), []);
  deepEqual(checkHeard(listened(added, [1, 3], [2])), []);
  deepEqual(checkHeard(listened([[1, "ok"], [2, "fail"]], [1])), []);
});

Deno.test("checkHeard() reports events that are lost, repeated, refused, unknown, late, or told as missing", () => {
  const added = [[1, "ok"], [2, "ok"], [3, "fail"]] as const;
  const found = (...visits: readonly (readonly Heard["data"][])[]): string[] =>
    anomalies(checkHeard(listened(added, ...visits)));
  deepEqual(found([1], []), ["lost"]);
  deepEqual(found([1, 2], [2]), ["heard twice"]);
  deepEqual(found([1, 2], [3]), ["refused but published"]);
  deepEqual(found([1, 2], [9]), ["phantom"]);
  deepEqual(found([2, 1]), ["late"]);
  deepEqual(found([1, "lagged"], [2]), ["phantom"]);
  const [first, ...rest] = listened(added, [1], [2]).toReversed();
  const gap = { ...first!, value: [{ id: "x-2-5", data: 2 }] };
  deepEqual(anomalies(checkHeard([gap, ...rest].toReversed())), [
    "out of order",
  ]);
});
