import { deepEqual, equal, throws } from "node:assert/strict";
import {
  formatEvent,
  type HistoryEvent,
  MalformedHistoryError,
  operationsOf,
  pairEvents,
  parseHistory,
} from "./history.ts";
import { parseJepsenLog } from "./jepsen_log.ts";
import { parseKeyValueLog } from "./key_value_log.ts";

const events: HistoryEvent<number | null>[] = [
  { process: 0, type: "invoke", f: "write", key: "a", value: 1, time: 0 },
  { process: 1, type: "invoke", f: "read", key: "a", value: null, time: 1 },
  { process: 0, type: "ok", f: "write", key: "a", value: null, time: 2 },
  { process: 1, type: "info", f: "read", key: "a", value: null, time: 3 },
  { process: 2, type: "invoke", f: "write", key: "a", value: 2, time: 4 },
  { process: 2, type: "fail", f: "write", key: "a", value: null, time: 5 },
  { process: 3, type: "invoke", f: "read", key: "a", value: null, time: 6 },
];

Deno.test("parseHistory() reads what formatEvent() writes", () => {
  deepEqual(parseHistory(events.map(formatEvent).join("\n") + "\n"), events);
});

Deno.test("parseHistory() names the line that is no event", () => {
  const text = `${formatEvent(events[0]!)}\n{"process":0}`;
  throws(() => parseHistory(text), /line 2 is no event/);
  throws(() => parseHistory("{"), MalformedHistoryError);
});

Deno.test("pairEvents() leaves info and unanswered calls open", () => {
  deepEqual(
    pairEvents(events).map((pair) => [pair.call, pair.return]),
    [[0, 2], [1, Infinity], [4, 5], [6, Infinity]],
  );
});

Deno.test("pairEvents() refuses answers nobody asked for and double invocations", () => {
  throws(() => pairEvents([events[2]!]), MalformedHistoryError);
  throws(() => pairEvents([events[0]!, events[0]!]), MalformedHistoryError);
});

Deno.test("operationsOf() drops failed calls and hides unknown answers", () => {
  const operations = operationsOf(events, ({ f }) => f, ({ value }) => value);
  deepEqual(operations.map((each) => [each.input, each.output]), [
    ["write", null],
    ["read", undefined],
    ["read", undefined],
  ]);
});

Deno.test("parseJepsenLog() takes a failed compare-and-set for an answer and info for none", () => {
  const calls = parseJepsenLog([
    "INFO  jepsen.util - 0\t:invoke\t:cas\t[1 2]",
    "INFO  jepsen.util - 0\t:fail\t:cas\t[1 2]",
    "INFO  jepsen.util - 1\t:invoke\t:write\t4",
    "INFO  jepsen.util - 1\t:info\t:write\t:timed-out",
    "INFO  jepsen.util - 0\t:invoke\t:read\tnil",
    "INFO  jepsen.util - 0\t:ok\t:read\tnil",
  ].join("\n"));
  deepEqual(calls.map((each) => [each.input, each.output, each.return]), [
    [{ f: "cas", from: 1, to: 2 }, false, 1],
    [{ f: "write", value: 4 }, undefined, Infinity],
    [{ f: "read" }, null, 5],
  ]);
});

Deno.test("parseKeyValueLog() reads one EDN map per line", () => {
  const calls = parseKeyValueLog([
    '{:process 3, :type :invoke, :f :get, :key "7", :value nil}',
    '{:process 3, :type :ok, :f :get, :key "7", :value "x 0 y"}',
  ].join("\n"));
  equal(calls.length, 1);
  deepEqual(calls[0]!.input, { f: "get", key: "7" });
  equal(calls[0]!.output, "x 0 y");
  throws(() => parseKeyValueLog("{:process x}"), /line 1/);
});
