import assert from "node:assert/strict";
import type { LocalClient } from "../../../src/client/local.ts";
import type { HiqliteNode } from "../../../src/node/node.ts";
import { openThree } from "../../open_three.ts";
import { Ear, publish } from "./heard.ts";

/** They keep few entries, so that one that was stopped needs a snapshot. */
const FEW = { cache: false, logsUntilSnapshot: 100, walSize: 8192 };

function appliedOf(db: LocalClient): number {
  return (db.member as HiqliteNode).hosted(0)!.group!.machine.applied.index;
}

Deno.test("all members tell the same ids, a place of one is good at every other, and a member that had a snapshot has what it missed", async () => {
  const dir = await Deno.makeTempDir({ prefix: "hql-topics-" });
  const { members, start } = await openThree(dir, FEW);
  try {
    const [one, two] = members as [LocalClient, LocalClient];
    const ears = members.map(({ member }) =>
      new Ear(member.topics.listen({ topics: ["t"] }))
    );
    const ids: string[] = [];
    for (let i = 0; i < 60; i++) {
      const writer = members[i % 3]!;
      const [id] = await publish(writer, "t", `${i}`);
      ids.push(id!);
      // Where it was written last it is applied; the others may still have to come so far.
      const other = members[(i + 1) % 3]!.member.topics;
      const after = new Ear(other.listen({ topics: ["t"], since: id! }));
      const next = after.next();
      const [last] = await publish(writer, "t", `${i}+`);
      assert.equal((await next).id, last);
      ids.push(last!);
      await after.end();
    }
    for (const ear of ears) {
      for (const id of ids) assert.equal((await ear.next()).id, id);
      await ear.end();
    }
    const before = appliedOf(members[2]!);
    await members[2]!.shutdown();
    const since = ids.at(-1)!;
    for (let i = 0; i < 400; i++) {
      ids.push(...await publish(i % 2 === 0 ? one : two, "t", `late ${i}`));
    }
    members[2] = await start(3);
    const ear = new Ear(
      members[2]!.member.topics.listen({ topics: ["t"], since }),
    );
    for (const id of ids.slice(ids.indexOf(since) + 1)) {
      assert.equal((await ear.next()).id, id);
    }
    const { firstIndex } = await members[2]!.cluster();
    assert.ok(firstIndex > before + 1, "it had no snapshot");
    await ear.end();
  } finally {
    await Promise.all(members.map((member) => member.shutdown()));
    await Deno.remove(dir, { recursive: true });
  }
});
