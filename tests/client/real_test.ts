import { type Client, connect } from "../../src/client/remote.ts";
import { clientContract, runCase } from "./contract.ts";
import { createApp } from "../../src/server/app.ts";
import { LocalClient } from "../../src/client/local.ts";
import { open } from "../../src/app/open.ts";
import { RecordingMember } from "./recording_member.ts";
import { untilAborted } from "../../src/util/abort.ts";

function remote(member: RecordingMember): Client {
  const secret = "api-secret-0123456789";
  const app = createApp(member, { secretApi: secret });
  return connect({
    urls: ["member"],
    secret,
    fetch: (url, init) =>
      untilAborted(
        init?.signal ?? undefined,
        async () => await app.request(String(url), init),
      ),
  });
}

const CLIENTS: readonly [string, (member: RecordingMember) => Client][] = [
  ["LocalClient", (member) => new LocalClient(member)],
  ["RemoteClient", remote],
];
for (const [name, client] of CLIENTS) {
  Deno.test(`${name} keeps its contract with a real member`, async (t) => {
    const dataDir = await Deno.makeTempDir();
    const db = await open({ dataDir, tickMs: 5, readyTimeoutMs: 20_000 });
    try {
      for (const one of clientContract()) {
        const member = new RecordingMember(db.member);
        await t.step({
          name: one.title,
          fn: () => runCase(one, { client: client(member), member }),
          // The member works on between the steps; the test as a whole is watched.
          sanitizeOps: false,
          sanitizeResources: false,
        });
      }
    } finally {
      await db.shutdown();
      await Deno.remove(dataDir, { recursive: true });
    }
  });
}
