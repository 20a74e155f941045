import assert from "node:assert/strict";
import type { PeerIdentity } from "../../src/network/port.ts";
import { Engines } from "../../src/node/report/engines.ts";
import { Logger } from "../../src/util/logger.ts";

Deno.test("a member that runs another SQLite is told of once, and counted while it is linked", () => {
  const lines: string[] = [];
  const logger = new Logger("warn", ({ message }) => lines.push(message));
  const engines = new Engines("node:sqlite 3.53.2", logger);
  const peer = (node: number, engine: string): PeerIdentity => ({
    id: `${node}.${"0".repeat(16)}`,
    clusterId: "",
    raftAddress: "",
    apiAddress: "",
    level: 1,
    groups: [],
    engine,
  });
  engines.linkUp(peer(2, "node:sqlite 3.53.2"));
  assert.equal(engines.differing, 0);
  engines.linkUp(peer(3, "libsqlite3 3.51.3"));
  assert.equal(engines.differing, 1);
  engines.linkDown(3);
  assert.equal(engines.differing, 0);
  engines.linkUp(peer(3, "libsqlite3 3.51.3"));
  assert.equal(engines.differing, 1);
  assert.equal(lines.length, 1);
  assert.match(lines[0]!, /^node 3 runs libsqlite3 3\.51\.3 and this member/);
  engines.linkDown(3);
  engines.linkUp(peer(3, "libsqlite3 3.52.0"));
  assert.equal(lines.length, 2);
  // The new process is linked before the link with the old one is known to be broken.
  engines.linkUp(peer(3, "node:sqlite 3.53.2"));
  assert.equal(engines.differing, 0);
});
