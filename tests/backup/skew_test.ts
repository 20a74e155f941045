import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { TestCluster } from "../cluster/harness.ts";
import { clockNemesis, setOffset } from "../cluster/nemeses/clock.ts";
import { FAKE_CLOCK, testNeeding } from "../cluster/requirements.ts";
import { objectsIn } from "./archived.ts";
import { clientOf, untilBackups } from "./real_members.ts";
import { TestFolder } from "./stopped_member.ts";

/** Each member's clock is so many seconds off. */
const OFFSETS_S = [-90, 0, 90];

const test = await testNeeding(FAKE_CLOCK);

test("members whose clocks are 90 s apart, and leadership that goes to the slowest and back: one backup for each time of the schedule", async () => {
  await using folder = new TestFolder();
  const store = folder.at("store");
  const environment = {
    HQL_BACKUP_FOLDER: store,
    HQL_BACKUP_CRON: "* * * * * * *",
  };
  await using cluster = await TestCluster.start({
    environment,
    prepare: async (cluster) => {
      await clockNemesis.prepare!(cluster);
      for (const [at, seconds] of OFFSETS_S.entries()) {
        await setOffset(cluster, at + 1, seconds);
      }
    },
  });
  await using client = clientOf(cluster, 2);
  const done = (wanted: number) =>
    untilBackups(
      client,
      `${wanted} backups`,
      60_000,
      (all) => all.filter(({ state }) => state === "done").length >= wanted,
    );
  await client.transferLeadership(3);
  await done(3);
  await client.transferLeadership(1);
  const { length: fast } = await client.backups();
  // By its clock these times are to come. Five of its own would pass meanwhile; one of the other may be on its way.
  await sleep(5_000);
  const slow = await client.backups();
  assert.ok(slow.length <= fast + 1, `${slow.length} after ${fast}`);
  await client.transferLeadership(3);
  const records = await done(slow.length + 2);
  const slots = records.map(({ slot }) => slot);
  assert.equal(new Set(slots).size, slots.length, `${slots}`);
  assert.deepEqual(slots, slots.toSorted((a, b) => a! - b!));
  assert.ok(slots.every((slot) => slot !== null && slot % 1_000 === 0));
  const stored = objectsIn(store);
  const names = records.map(({ name }) => name);
  assert.equal(new Set(names).size, names.length);
  for (const { name, state } of records) {
    if (state === "done") assert.ok(stored.includes(name), name);
  }
});
