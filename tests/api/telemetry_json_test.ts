import assert from "node:assert/strict";
import {
  TELEMETRY_SCHEMAS,
  toldFromJson,
  toldToJson,
} from "../../src/api/telemetry_json.ts";
import type { MemberSight } from "../../src/node/telemetry_port.ts";
import { connect } from "../../src/client/remote.ts";
import { LocalClient } from "../../src/client/local.ts";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import type { FakeTelemetry } from "../client/fake_telemetry.ts";
import { report } from "../telemetry/reports.ts";

const SIGHTS: readonly MemberSight[] = [
  { nodeId: 1, member: "1.ab", connected: true, ageMs: 0, report: report(1) },
  { nodeId: 2, member: null, connected: false, ageMs: null, report: null },
];

Deno.test("what members tell is the same after JSON, under names in snake case", () => {
  const json = JSON.parse(JSON.stringify(toldToJson(SIGHTS)));
  assert.deepEqual(toldFromJson(json), SIGHTS);
  assert.equal(json[0].report.fsync.p99_ms, 4);
  assert.equal(json[0].report.disk_free_bytes, 1e12);
});

Deno.test("the schema of a report names exactly its fields", () => {
  const [json] = toldToJson(SIGHTS) as [{ report: Record<string, unknown> }];
  const schema = TELEMETRY_SCHEMAS["MemberReport"] as {
    readonly properties: Record<string, unknown>;
  };
  assert.deepEqual(
    Object.keys(schema.properties).sort(),
    Object.keys(json.report).sort(),
  );
});

Deno.test("what members tell is the same near and far, and so is what is asked", async () => {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: "-" });
  await using far = connect({
    urls: ["http://member"],
    secret: "-",
    fetch: async (url, init) => await app.request(String(url), init),
  });
  await using near = new LocalClient(member);
  const told = member.telemetry as FakeTelemetry;
  for (const client of [near, far]) {
    told.asked.length = 0;
    assert.deepEqual(await client.memberReports(), told.reports());
    assert.deepEqual(
      await client.memberSeries({ stepMs: 60_000, fromMs: 5 }),
      { stepMs: 60_000, members: [] },
    );
    assert.deepEqual(
      await client.memberEvents({ after: { 2: 7 }, limit: 3 }),
      { events: [], silent: [2] },
    );
    assert.deepEqual(told.asked, [
      { stepMs: 60_000, fromMs: 5 },
      { after: { 2: 7 }, limit: 3 },
    ]);
  }
});

for (
  const [path, body, message] of [
    ["series", { step_ms: 5 }, /step_ms: expected 1000 or 60000/],
    ["series", { from_ms: -1 }, /from_ms: expected an integer from 0/],
    ["events", { limit: 2_001 }, /limit: expected an integer from 1 to 2000/],
    ["events", { after: [] }, /after: expected an object/],
    ["events", { after: { x: 1 } }, /after: expected numbers/],
    ["events", { after: { 1: "x" } }, /after: expected numbers/],
    ["events", {
      after: Object.fromEntries(
        Array.from({ length: 65 }, (_, i) => [i + 1, 0]),
      ),
    }, /after: names 65 members, 64 at most/],
  ] as const
) {
  Deno.test(`cluster/${path} refuses ${JSON.stringify(body).slice(0, 40)}`, async () => {
    const member = new FakeMember();
    const app = createApp(member, { secretApi: "-" });
    const answer = await app.request(`/api/v1/cluster/${path}`, {
      method: "POST",
      headers: { "x-api-secret": "-", "content-type": "application/json" },
      body: JSON.stringify(body),
    });
    await member.shutdown();
    assert.equal(answer.status, 400);
    assert.match((await answer.json()).error.message, message);
  });
}
