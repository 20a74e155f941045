import assert from "node:assert/strict";
import { openThree } from "../open_three.ts";

Deno.test("the programs of all members hear of a write through any of them, also when the leader has gone", async () => {
  const dir = await Deno.makeTempDir();
  const { members } = await openThree(dir);
  const ended: number[] = [];
  try {
    await members[0]!.execute("CREATE TABLE note (v)");
    await members[0]!.execute("INSERT INTO note VALUES (0)");
    const { index: begin } = await members[0]!.execute(
      "CREATE TABLE other (v)",
    );
    const followed = await Promise.all(members.map(async (member) => {
      const live = member.live<{ v: number }>("SELECT v FROM note", [], {
        minIndex: begin,
      });
      const changes = member.changes({ tables: ["note"], since: begin });
      assert.deepEqual((await live.next()).value!.rows, [{ v: 0 }]);
      return { live, changes };
    }));
    const write = async (through: number, v: number): Promise<void> => {
      const { index } = await members[through]!.execute(
        "UPDATE note SET v = ?",
        [v],
      );
      for (const [at, { live, changes }] of followed.entries()) {
        if (ended.includes(at)) continue;
        const { value: change } = await changes.next();
        assert.deepEqual([change!.index, change!.tables], [index, ["note"]]);
        const { value: rows } = await live.next();
        assert.deepEqual(rows!.rows, [{ v }]);
        assert.ok(rows!.index >= index);
      }
    };
    for (let v = 1; v <= 6; v++) await write(v % 3, v);
    const { leader, members: known } = await members[0]!.cluster();
    const leading = known.find(({ id }) => id === leader)!.nodeId - 1;
    const { live, changes } = followed[leading]!;
    const stopped = [live.next(), changes.next()];
    const failed = Promise.all(
      stopped.map((one) => assert.rejects(one, { code: "shutting_down" })),
    );
    ended.push(leading);
    await members[leading]!.shutdown();
    await failed;
    for (let v = 7; v <= 9; v++) await write((leading + 1 + v % 2) % 3, v);
    for (const [at, { live, changes }] of followed.entries()) {
      if (ended.includes(at)) continue;
      await live.return(undefined);
      await changes.return(undefined);
    }
  } finally {
    await Promise.all(members.map((member) => member.shutdown()));
    await Deno.remove(dir, { recursive: true });
  }
});
