import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import type { NodeId } from "../../src/raft/types.ts";
import { CacheMembers } from "./cache_members.ts";
import { until, write } from "./cluster.ts";

/** Members that keep their caches on the disk, and their folder. */
class DiskMembers extends CacheMembers {
  readonly dir: string;

  constructor(dir: string, size: number) {
    super(size, { dataDir: dir });
    this.dir = dir;
  }

  static async on(size = 3): Promise<DiskMembers> {
    const dir = await Deno.makeTempDir({ prefix: "hiqlite-cache-disk-" });
    const members = new DiskMembers(dir, size);
    await members.cluster.startAll();
    return members;
  }

  /** The folder of a node's caches. */
  folder(id: NodeId): string {
    return join(this.dir, `${id}`, "cache");
  }

  /** What a node is in the caches' group. */
  member(id: NodeId): string {
    return this.hosted(id).self;
  }

  /** Ends nodes at once, does something to what they left, and starts them again. */
  async damage(
    ids: readonly NodeId[],
    inflict: (folder: string) => void,
  ): Promise<void> {
    await this.cluster.kill(ids);
    for (const id of ids) inflict(this.folder(id));
    await Promise.all(
      ids.map((id) => this.cluster.start(id).whenReady(60_000)),
    );
  }

  async get(id: NodeId, key: string): Promise<unknown> {
    const cache = this.client(id).cache("c");
    return await cache.get(key, { consistency: "linearizable" });
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    await Deno.remove(this.dir, { recursive: true });
  }
}

const remove = (folder: string): void => fs.rmSync(folder, { recursive: true });

/** The path of the only file of that name below a folder. */
function find(folder: string, name: string): string {
  const found = fs.readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((path) => path.endsWith(name));
  assert.equal(found.length, 1, `${found}`);
  return join(folder, found[0]!);
}

/** Overwrites the middle of what a node's caches are stored in. */
function overwrite(folder: string): void {
  const path = find(folder, "caches.db");
  const { size } = fs.statSync(path);
  const file = fs.openSync(path, "r+");
  fs.writeSync(file, new Uint8Array(size - 4096).fill(0xa5), 0, null, 4096);
  fs.closeSync(file);
  fs.rmSync(`${path}-wal`, { force: true });
}

Deno.test("members on the disk end at once, all of them too, and go on as who they were with all that was acknowledged", async () => {
  await using members = await DiskMembers.on();
  const { ids } = members;
  const who = ids.map((id) => members.member(id));
  const before = members.hosted(1).epoch;
  const combinations = [[1], [2, 3], [1, 3], [1, 2, 3], [1, 2, 3]];
  for (const [at, ended] of combinations.entries()) {
    const cache = members.client(at % 3 + 1).cache("c");
    await cache.put(`k${at}`, ended.join(), { ttlMs: 3_600_000 });
    await cache.add("n", 1);
    await members.damage(ended, () => {});
    for (const id of ids) {
      assert.equal(await members.get(id, `k${at}`), ended.join());
      const sum = await members.client(id).cache("c").counter("n", {
        consistency: "linearizable",
      });
      assert.equal(sum, at + 1);
    }
  }
  assert.deepEqual(ids.map((id) => members.member(id)), who);
  assert.ok(ids.every((id) => members.hosted(id).epoch === before));
  assert.equal(members.hosted(1).group!.core.config.voters.length, 3);
});

for (
  const [what, inflict] of [
    ["is removed", remove],
    ["has other bytes in it", overwrite],
    [
      "has no log any more",
      (folder: string) =>
        remove(join(folder, fs.readdirSync(folder)[0]!, "logs")),
    ],
    [
      "has no state any more, which the log cannot make again",
      (folder: string) =>
        remove(join(folder, fs.readdirSync(folder)[0]!, "state")),
    ],
  ] as const
) {
  Deno.test(`a member whose folder of the caches ${what} comes back as somebody new, and loses nothing`, async () => {
    await using members = await DiskMembers.on();
    const client = members.client(1).cache("c");
    // Enough for a checkpoint behind which the log is gone.
    for (let i = 0; i < 30; i++) await client.put(`k${i}`, "x".repeat(20_000));
    await members.hosted(3).group!.machine.checkpoint(() => {});
    const who = members.member(3);
    await members.damage([3], inflict);
    const again = await members.get(3, "k29");
    assert.equal(again, "x".repeat(20_000));
    assert.equal(members.hosted(3).epoch, 1);
    if (!what.startsWith("has no state")) {
      assert.notEqual(members.member(3), who);
      const { config } = members.hosted(1).group!.core;
      assert.ok(!config.voters.includes(who));
    }
    // Nothing is left of who it was.
    assert.deepEqual(fs.readdirSync(members.folder(3)), [members.member(3)]);
    await write(members.cluster.node(3));
  });
}

Deno.test("a member whose state is ahead of its log, as after a power cut, comes back as somebody new", async () => {
  await using members = await DiskMembers.on();
  await members.client(1).cache("c").put("k", 1);
  const logs = (): string => join(members.folder(3), members.member(3), "logs");
  const who = members.member(3);
  const [now, before] = [logs(), `${members.dir}/before`];
  await members.damage([3], () => fs.cpSync(now, before, { recursive: true }));
  await members.client(1).cache("c").put("k", 2);
  assert.equal(await members.get(3, "k"), 2);
  await members.damage([3], () => {
    remove(now);
    fs.cpSync(before, now, { recursive: true });
  });
  assert.notEqual(members.member(3), who);
  assert.equal(members.hosted(3).epoch, 1);
  assert.equal(await members.get(3, "k"), 2);
});

Deno.test("when most members lost what they had of the caches, an empty epoch begins, and the database goes on", async () => {
  await using members = await DiskMembers.on();
  await members.client(1).cache("c").put("k", 1);
  await members.damage([2, 3], remove);
  await members.cluster.node(1).whenReady(60_000);
  for (const id of members.ids) {
    assert.equal(members.hosted(id).epoch, 2);
    assert.equal(await members.get(id, "k"), undefined);
    assert.deepEqual(fs.readdirSync(members.folder(id)), [members.member(id)]);
  }
  await write(members.cluster.node(2));
  await members.client(2).cache("c").put("k", 2);
  assert.equal(await members.get(3, "k"), 2);
});

Deno.test("a member alone goes on with its caches, and begins anew without them", async () => {
  await using members = await DiskMembers.on(1);
  await members.client(1).cache("c").put("k", 1);
  await members.damage([1], () => {});
  assert.equal(await members.get(1, "k"), 1);
  await members.damage([1], remove);
  assert.equal(await members.get(1, "k"), undefined);
  assert.equal(members.hosted(1).epoch, 2);
});

Deno.test("a member that stops does not leave the group: it comes back with what it had", async () => {
  await using members = await DiskMembers.on();
  await members.client(1).cache("c").put("k", 1);
  const who = members.member(2);
  await members.cluster.stop(2);
  assert.ok(members.hosted(1).group!.core.config.voters.includes(who));
  await members.cluster.start(2).whenReady(60_000);
  assert.equal(members.member(2), who);
});

Deno.test("a member that kept its caches in memory for a while is never again who it was on the disk", async () => {
  await using members = await DiskMembers.on();
  const seen = new Set([members.member(3)]);
  await members.client(1).cache("c").put("k", 1);
  for (const memory of [true, false, true, false]) {
    if (memory) members.inMemory.add(3);
    else members.inMemory.delete(3);
    await members.damage([3], () => {});
    assert.ok(!seen.has(members.member(3)));
    seen.add(members.member(3));
    assert.equal(fs.existsSync(members.folder(3)), !memory);
    assert.equal(await members.get(3, "k"), 1);
  }
});

Deno.test("what is found damaged while it is read is given up and rebuilt, and the member goes on", async () => {
  await using members = await DiskMembers.on();
  const big = "x".repeat(100_000);
  for (let i = 0; i < 20; i++) {
    await members.client(1).cache("c").put(`k${i}`, big);
  }
  const who = members.member(3);
  await until(
    "all is applied",
    () => members.client(3).cache("c").getSync("k19") !== undefined,
  );
  await new Promise<void>((resolve, reject) =>
    members.hosted(3).group!.machine.checkpoint((error) =>
      error === null ? resolve() : reject(error)
    )
  );
  const path = find(members.folder(3), "caches.db");
  const file = fs.openSync(path, "r+");
  const { size } = fs.statSync(path);
  fs.writeSync(file, new Uint8Array(size - 8192).fill(0xa5), 0, null, 8192);
  fs.closeSync(file);
  let refusals = 0;
  await until("it is somebody else", () => {
    for (let i = 0; i < 20; i++) {
      try {
        const value = members.client(3).cache("c").getSync(`k${i}`);
        assert.ok(value === undefined || value === big);
      } catch (error) {
        assert.match((error as Error).message, /caches/);
        refusals++;
      }
    }
    return members.member(3) !== who;
  });
  assert.ok(refusals > 0);
  await members.cluster.node(3).whenReady(60_000);
  for (let i = 0; i < 20; i++) assert.equal(await members.get(3, `k${i}`), big);
});

/** Starts a node again; gives back what puts what its caches were then in the place of what they are later. */
async function kept(members: DiskMembers, id: NodeId): Promise<() => void> {
  const [folder, copy] = [members.folder(id), join(members.dir, `kept ${id}`)];
  await members.damage(
    [id],
    () => fs.cpSync(folder, copy, { recursive: true }),
  );
  return () => {
    remove(folder);
    fs.cpSync(copy, folder, { recursive: true });
  };
}

Deno.test("a member that lost the end of its log, as in a power cut, gets it again from the leader that knows it had it", async () => {
  await using members = await DiskMembers.on();
  await members.client(1).cache("c").put("k", 0);
  await members.lead(1);
  const back = await kept(members, 3);
  const { term } = members.hosted(1).group!.core;
  for (let i = 1; i <= 5; i++) {
    await members.client(1).cache("c").put("k", i);
    assert.equal(await members.get(3, "k"), i);
  }
  await members.damage([3], back);
  assert.equal(await members.get(3, "k"), 5);
  assert.equal(members.hosted(1).group!.core.term, term);
});

Deno.test("a member that has what a majority forgot in a power cut gives it up, and all have the same", async () => {
  await using members = await DiskMembers.on();
  await members.client(1).cache("c").put("k", 0);
  await members.lead(1);
  // Of the term they know even after a power cut: only entries may be forgotten.
  const back = [await kept(members, 2), await kept(members, 3)];
  assert.equal(members.leader(1), 1);
  for (let i = 1; i <= 5; i++) {
    await members.client(1).cache("c").put("k", `forgotten ${i}`);
  }
  const who = members.member(1);
  await members.cluster.kill([1]);
  await members.damage([2, 3], () => back.shift()!());
  for (let i = 1; i <= 9; i++) await members.client(2).cache("c").put("k", i);
  await members.cluster.start(1).whenReady(60_000);
  await until("node 1 is another member", () => members.member(1) !== who);
  await members.client(2).cache("c").put("k", "all");
  for (const id of members.ids) assert.equal(await members.get(id, "k"), "all");
  assert.equal(members.hosted(2).epoch, 1);
});
