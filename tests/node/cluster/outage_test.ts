import assert from "node:assert/strict";
import { MemoryNetwork } from "../../../src/network/memory_network.ts";
import { describeOutage } from "../../../src/node/cluster/outage.ts";
import {
  type Configuration,
  NO_CONFIGURATION,
} from "../../../src/raft/types.ts";

const SELF = "1.0123456789abcdef";
const network = new MemoryNetwork().join({
  self: {
    id: SELF,
    clusterId: "c",
    raftAddress: "",
    apiAddress: "",
    level: 1,
    groups: [],
    engine: "",
  },
  peers: [],
  events: { frame: () => {}, linkUp: () => {}, linkDown: () => {} },
});

Deno.test("describeOutage() names the voters that are missing and the last resort", () => {
  const config: Configuration = {
    ...NO_CONFIGURATION,
    voters: [SELF, "2.0123456789abcdef"],
  };
  const text = describeOutage(config, SELF, network, (peer) => peer.id);
  assert.match(text, /node 1 is this one, node 2 cannot be reached; 2 of 2/);
  assert.match(text, /hiqlite cluster recover/);
});

Deno.test("describeOutage() recommends no recovery from a member that has nothing", () => {
  const text = describeOutage(
    NO_CONFIGURATION,
    SELF,
    network,
    (peer) => peer.id,
  );
  assert.match(text, /has nothing of its cluster yet/);
  assert.doesNotMatch(text, /voters are needed|newest data/);
});
