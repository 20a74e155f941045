import assert from "node:assert/strict";
import { setTimeout as delay } from "node:timers/promises";
import { HiqliteError } from "../../src/errors.ts";
import { Cluster, until } from "./cluster.ts";

/** Three members, the second with a state of its own. */
async function withWrongState(): Promise<Cluster> {
  const cluster = new Cluster(3);
  await cluster.startAll();
  cluster.volume(2).machine.hash = 7;
  return cluster;
}

Deno.test("a member whose files are being put aside says so, for however long", async () => {
  const gate = Promise.withResolvers<void>();
  await using cluster = await withWrongState();
  const volume = cluster.volume(2);
  volume.startOver = async function () {
    Object.defineProperty(this, "storage", {
      configurable: true,
      get: () => {
        throw new HiqliteError("no_leader", "being rebuilt");
      },
    });
    await gate.promise;
    Reflect.deleteProperty(this, "storage");
    await Object.getPrototypeOf(this).startOver.call(this);
  };
  const node = cluster.node(2);
  const detail = "this member is being rebuilt from the others";
  await until("the rebuild", () => node.ready().detail === detail);
  await until("a line", () => cluster.lines.includes(`2: ${detail}`));
  gate.resolve();
  await node.whenReady(60_000);
});

Deno.test("a member that cannot put its files aside ends, and says why", async () => {
  await using cluster = await withWrongState();
  cluster.volume(2).startOver = () =>
    Promise.reject(new HiqliteError("disk_full", "no room for identity.json"));
  await until(
    "the end",
    () => cluster.lines.includes("2: fatal no room for identity.json"),
  );
  await delay(0);
  assert.match(cluster.node(2).ready().detail, /no room for identity.json/);
});
