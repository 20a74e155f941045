import { Upstreams } from "../../src/proxy/upstreams.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { poll } from "../cluster/harness.ts";

const STRANGER = "http://stranger:80";
const LEADER = "http://leader:81";

for (const says of ["<html>a page</html>", "null", '{"hello":1}', ""]) {
  Deno.test(`what is at a member's address and is none, as what says ${says || "nothing"} to everything, leaves the proxy running: it still learns who leads`, async () => {
    const upstreams = new Upstreams({
      urls: [STRANGER, LEADER],
      secret: "a secret of twenty bytes",
      everyMs: 1,
      fetch: (input) =>
        Promise.resolve(
          `${input}`.startsWith(STRANGER) ? new Response(says) : Response.json({
            leader: 2,
            members: [{ id: 2, api_address: "leader:81" }],
          }),
        ),
      logger: silentLogger,
    });
    await poll(
      "the leader to be asked first, in every turn",
      10_000,
      () =>
        Promise.resolve(
          [1, 2].every(() => upstreams.order(false)[0]!.url === LEADER),
        ),
    );
    await upstreams.close();
  });
}
