import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeJson } from "../../../src/network/requests.ts";
import {
  EVENTS_BYTES_MAX,
  eventsFrom,
  REPORT_BYTES_MAX,
  reportFrom,
  SLOW_BYTES_MAX,
  slowFrom,
} from "../../../src/node/telemetry/told_check.ts";
import type { MemberEvent } from "../../../src/node/telemetry_port.ts";
import { report } from "../../telemetry/reports.ts";

const EVENT: MemberEvent = {
  nodeId: 2,
  number: 7,
  atMs: 7,
  kind: "leader",
  group: "db",
  term: 3,
  about: null,
  text: "node 2 leads in term 3",
  count: 1,
};

Deno.test("a report is believed as it is, without what this release does not know", () => {
  const said = {
    ...report(2),
    mood: "good",
    peers: [{ ...report(2).peers[0], hue: 3 }],
  };
  assert.deepEqual(reportFrom(encodeJson(said)), report(2));
});

Deno.test("a report with any field that is missing or of another kind is not believed", () => {
  const fields = Object.keys(report(2));
  const wrong = fc.oneof(
    fc.constant(undefined),
    fc.constant({}),
    fc.constant([1]),
    fc.constant(-1),
    fc.constant("x".repeat(501)),
  );
  fc.assert(fc.property(fc.constantFrom(...fields), wrong, (field, value) => {
    assert.equal(
      reportFrom(encodeJson({ ...report(2), [field]: value })),
      undefined,
    );
  }));
});

Deno.test("what is too long for a report, or no JSON, is not looked at", () => {
  const peers = Array.from({ length: 65 }, () => report(2).peers[0]);
  const long = { ...report(2), more: "x".repeat(REPORT_BYTES_MAX) };
  for (const said of [{ ...report(2), peers }, long, null, 1, []]) {
    assert.equal(reportFrom(encodeJson(said)), undefined);
  }
  fc.assert(fc.property(fc.uint8Array(), (bytes) => {
    assert.equal(reportFrom(bytes), undefined);
  }));
});

Deno.test("of events those are taken that this release understands", () => {
  const kinds = [EVENT, { ...EVENT, kind: "eclipse" }, {
    ...EVENT,
    count: "1",
  }];
  assert.deepEqual(eventsFrom(encodeJson(kinds)), [EVENT]);
  assert.equal(eventsFrom(encodeJson({ 0: EVENT })), undefined);
  const long = [EVENT, "x".repeat(EVENTS_BYTES_MAX)];
  assert.equal(eventsFrom(encodeJson(long)), undefined);
});

Deno.test("slow statements are believed all or not, up to what a member keeps", () => {
  const statement = {
    atMs: 5,
    kind: "write",
    sql: "\u0001".repeat(1_001),
    ms: 300,
    failure: null,
  };
  const said = { limitMs: 250, statements: Array(200).fill(statement) };
  assert.deepEqual(slowFrom(encodeJson({ ...said, mood: "good" })), said);
  assert.deepEqual(slowFrom(encodeJson({ limitMs: null, statements: [] })), {
    limitMs: null,
    statements: [],
  });
  for (
    const wrong of [
      null,
      { statements: [] },
      { ...said, statements: Array(201).fill(statement) },
      { ...said, statements: [{ ...statement, sql: "x".repeat(1_002) }] },
      { ...said, statements: [{ ...statement, kind: "sleep" }] },
      { ...said, more: "x".repeat(SLOW_BYTES_MAX) },
    ]
  ) assert.equal(slowFrom(encodeJson(wrong)), undefined);
});
