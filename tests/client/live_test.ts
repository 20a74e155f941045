import { LocalClient } from "../../src/client/local.ts";
import { type Client, connect } from "../../src/client/remote.ts";
import { liveContract } from "./live_contract.ts";
import { inSteps, withApi, withMember } from "./one_member.ts";

Deno.test("what follows the database keeps its contract, in the member's process and from afar", async (t) => {
  await withMember((db) =>
    withApi(db, async (reach) => {
      const clients: readonly [string, () => Client][] = [
        ["LocalClient", () => new LocalClient(db.member)],
        ["RemoteClient", () => connect(reach)],
      ];
      await db.execute("CREATE TABLE note (id INTEGER PRIMARY KEY, text)");
      await db.execute("CREATE TABLE Other (x)");
      for (const [name, client] of clients) {
        const cases = liveContract().map(({ title, run }) => ({
          title: `${name}: ${title}`,
          run,
        }));
        await inSteps(t, cases, async ({ run }) => {
          await db.execute("DELETE FROM note");
          const subject = client();
          await run(subject, db);
          if (name === "RemoteClient") await subject.shutdown();
        });
      }
    })
  );
});
