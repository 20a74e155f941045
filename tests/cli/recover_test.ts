import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { open } from "../../src/app/open.ts";
import { flipBit, Victim } from "../cluster/damage.ts";
import { run } from "./fake_terminal.ts";

/** Gives the data directory of a stopped member with three rows, and its cluster's id. */
async function withMember(
  test: (dir: string, clusterId: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-recover-" });
  try {
    const db = await open({ dataDir: dir });
    await db.execute("CREATE TABLE t (n INTEGER)");
    await db.execute("INSERT INTO t VALUES (1), (2), (3)");
    const { clusterId } = await db.cluster();
    await db.shutdown();
    await test(dir, clusterId);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function rowsIn(dir: string): Promise<number> {
  await using db = await open({ dataDir: dir });
  const [row] = await db.query<{ n: number }>("SELECT count(*) AS n FROM t");
  return row!.n;
}

const recover = (dir: string, ...more: string[]) =>
  run(["cluster", "recover", "--data-dir", dir, ...more]);

for (
  const args of [
    ["cluster", "recover", "--help"],
    ["cluster", "recover", "-h"],
    ["help", "cluster", "recover"],
  ]
) {
  Deno.test(`${args.join(" ")} says when it is for and what to do`, async () => {
    const { code, out } = await run(args);
    assert.equal(code, 0);
    assert.match(out, /^Usage: hiqlite cluster recover/);
    assert.match(out, /lost the majority of its members for ever/);
    assert.match(out, /--confirm <cluster id>/);
  });
}

Deno.test("cluster recover with an argument too many shows usage and ends with 2", async () => {
  const { code, error } = await run(["cluster", "recover", "now"]);
  assert.equal(code, 2);
  assert.match(error, /Unexpected argument 'now'/);
});

Deno.test("cluster recover of a folder that is no data directory says so and makes nothing in it", async () => {
  const dir = await Deno.makeTempDir({ prefix: "hiqlite-recover-" });
  const { code, error } = await recover(dir);
  const made = fs.readdirSync(dir);
  await Deno.remove(dir, { recursive: true });
  assert.equal(code, 1);
  assert.match(error, /is not the data directory of a member/);
  assert.deepEqual(made, []);
});

Deno.test("cluster recover without --confirm shows what is there and changes nothing", () =>
  withMember(async (dir, clusterId) => {
    const identity = fs.readFileSync(join(dir, "identity.json"), "utf8");
    const { code, out } = await recover(dir);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Cluster +${clusterId}$`, "m"));
    assert.match(out, /^Voters +1\.[0-9a-f]{16}$/m);
    assert.match(out, /^Database +applied up to index \d+ of term \d+$/m);
    assert.match(out, /^Log +ends at index \d+ of term \d+; 0 of its/m);
    assert.match(out, /Nothing was changed/);
    assert.match(out, /caches hold, on every member: they begin anew/);
    assert.ok(out.endsWith(`--data-dir ${dir} --confirm ${clusterId}`));
    assert.equal(
      fs.readFileSync(join(dir, "identity.json"), "utf8"),
      identity,
    );
    assert.equal(await rowsIn(dir), 3);
  }));

Deno.test("cluster recover --json answers the same for machines", () =>
  withMember(async (dir, clusterId) => {
    const { code, out } = await recover(dir, "--json");
    assert.equal(code, 0);
    const { cluster_id, node_id, pending_entries, log_damage } = JSON.parse(
      out,
    );
    assert.deepEqual(
      { cluster_id, node_id, pending_entries, log_damage },
      {
        cluster_id: clusterId,
        node_id: 1,
        pending_entries: 0,
        log_damage: null,
      },
    );
  }));

Deno.test("cluster recover --confirm with another id names the right one and changes nothing", () =>
  withMember(async (dir, clusterId) => {
    const { code, error } = await recover(dir, "--confirm", "other");
    assert.equal(code, 1);
    assert.match(error, new RegExp(`To give up cluster ${clusterId}, confirm`));
    assert.equal(await rowsIn(dir), 3);
  }));

Deno.test("cluster recover --confirm begins a new cluster with the data", () =>
  withMember(async (dir, clusterId) => {
    const { code, out } = await recover(dir, "--confirm", clusterId);
    assert.equal(code, 0);
    const [, next] = /The new one is ([0-9a-f-]{36}),/.exec(out)!;
    assert.notEqual(next, clusterId);
    assert.equal(await rowsIn(dir), 3);
    const { out: shown } = await recover(dir);
    assert.match(shown, new RegExp(`^Cluster +${next}$`, "m"));
  }));

Deno.test("a single member with a damaged log does not start; cluster recover begins anew with its database", () =>
  withMember(async (dir, clusterId) => {
    const { path, end } = new Victim(dir).activeSegment();
    flipBit(path, Math.floor((4096 + end) / 2));
    await assert.rejects(open({ dataDir: dir }), {
      code: "storage",
      message: /no other one to rebuild it from. Nothing was changed/,
    });
    const { out } = await recover(dir);
    assert.match(out, /^Log +damaged, left out: .*segment-/m);
    const { code } = await recover(dir, "--confirm", clusterId);
    assert.equal(code, 0);
    assert.equal(await rowsIn(dir), 3);
    assert.equal(new Victim(dir).quarantines().length, 1);
  }));

Deno.test("cluster recover of a member whose identity is lost asks to confirm with `unknown`", () =>
  withMember(async (dir) => {
    fs.rmSync(join(dir, "identity.json"));
    await assert.rejects(open({ dataDir: dir }), {
      code: "storage",
      message: /its identity is gone/,
    });
    const { out } = await recover(dir);
    assert.match(out, /--confirm unknown$/);
    const { code } = await recover(dir, "--confirm", "unknown");
    assert.equal(code, 0);
    assert.equal(await rowsIn(dir), 3);
  }));

Deno.test("cluster recover of a damaged database says that another member or a backup is needed", () =>
  withMember(async (dir, clusterId) => {
    fs.truncateSync(new Victim(dir).database(), 100);
    const { code, error } = await recover(dir, "--confirm", clusterId);
    assert.equal(code, 1);
    assert.match(error, /database is damaged.*use another member, or a backup/);
  }));
