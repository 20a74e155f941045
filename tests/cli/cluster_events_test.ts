import assert from "node:assert/strict";
import type { MemberEvent } from "../../src/node/telemetry_port.ts";
import type { Terminal } from "../../src/cli/terminal.ts";
import { main } from "../../src/cli/main.ts";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";
import type { FakeTelemetry } from "../client/fake_telemetry.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

function event(number: number, given: Partial<MemberEvent> = {}): MemberEvent {
  return {
    nodeId: 2,
    number,
    atMs: Date.UTC(2026, 10, 27, 14, 2, 11),
    kind: "leader",
    group: "db",
    term: 17,
    about: null,
    text: "node 2 leads in term 17",
    count: 1,
    ...given,
  };
}

async function withMember(
  work: (url: string, told: FakeTelemetry, member: FakeMember) => Promise<void>,
): Promise<void> {
  const member = new FakeMember();
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen: () => {} },
    createApp(member, { secretApi: SECRET }).fetch,
  );
  try {
    const url = `--url=127.0.0.1:${server.addr.port}`;
    await work(url, member.telemetry as FakeTelemetry, member);
  } finally {
    await server.shutdown();
    await member.shutdown();
  }
}

Deno.test("cluster events shows a line for each, and who did not answer", () =>
  withMember(async (url, told) => {
    told.told = {
      events: [
        event(5),
        event(6, { group: "caches", text: "x\x1b[2Jy", kind: "disk_full" }),
      ],
      silent: [3],
    };
    const env = { HQL_SECRET_API: SECRET };
    const shown = await run(["cluster", "events", url, "--limit=7"], env);
    assert.equal(shown.code, 0);
    assert.equal(
      shown.out,
      "2026-11-27T14:02:11.000Z  node 2  leader              node 2 leads in term 17\n" +
        "2026-11-27T14:02:11.000Z  node 2  disk_full           caches: x\u241b[2Jy",
    );
    assert.equal(shown.error, "hiqlite cluster: No answer from node 3");
    assert.deepEqual(told.asked, [{ after: {}, limit: 7 }]);
    const json = await run(["cluster", "events", url, "--json"], env);
    assert.deepEqual(
      json.out.split("\n").map((line) => JSON.parse(line).node_id),
      [2, 2],
    );
    for (
      const [args, problem] of [
        [["--limit=2001"], /2000 at most/],
        [["2"], /Unexpected argument '2'/],
      ] as const
    ) {
      const wrong = await run(["cluster", "events", url, ...args], env);
      assert.equal(wrong.code, 2);
      assert.match(wrong.error, problem);
    }
  }));

/** Runs a command that goes on, until it has printed what `enough` looks for. */
async function watched(
  args: readonly string[],
  enough: (lines: readonly string[]) => boolean,
): Promise<{ readonly code: number; readonly lines: readonly string[] }> {
  const lines: string[] = [];
  let stop = (_signal: string): void => {};
  const terminal: Terminal = {
    args,
    env: { HQL_SECRET_API: SECRET },
    version: "1.2.3",
    interactive: false,
    input: { typed: false, async *lines() {}, hidden: null },
    out: (line) => {
      lines.push(line);
      if (enough(lines)) stop("SIGINT");
    },
    error: () => {},
    onStop: (given) => {
      stop = given;
      return () => {};
    },
    onReload: () => () => {},
    exit: (code) => {
      throw new Error(`exit ${code}`);
    },
  };
  return { code: await main(terminal), lines };
}

Deno.test("cluster events --watch shows each event once", () =>
  withMember(async (url, told) => {
    told.told = { events: [event(5)], silent: [] };
    const { code, lines } = await watched(
      ["cluster", "events", "--watch", url],
      (lines) => {
        told.told = { events: [event(9, { text: "later" })], silent: [] };
        return lines.length === 2;
      },
    );
    assert.equal(code, 0);
    assert.match(lines[1]!, /later$/);
    assert.deepEqual(told.asked, [
      { after: {}, limit: 50 },
      { after: { 2: 5 }, limit: 2_000 },
    ]);
  }));

Deno.test("cluster status --watch --json shows a line a second and ends with the last code", () =>
  withMember(async (url, _told, member) => {
    const { code, lines } = await watched(
      ["cluster", "status", "--watch", "--json", url],
      (lines) => lines.length === 2,
    );
    assert.equal(code, 0);
    const [first, second] = lines.map((line) => JSON.parse(line));
    assert.equal(first.health, "healthy");
    assert.equal(first.reports[0].node_id, 1);
    assert.ok(Date.parse(second.time) > Date.parse(first.time));
    assert.equal(member.cluster().leader, first.leader);
  }));
