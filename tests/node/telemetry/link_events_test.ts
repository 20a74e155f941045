import assert from "node:assert/strict";
import type { PeerIdentity } from "../../../src/network/port.ts";
import { LinkEvents } from "../../../src/node/telemetry/link_events.ts";
import { OwnEvents } from "../../../src/node/telemetry/own_events.ts";

function peer(clusterId: string): PeerIdentity {
  return {
    id: "2.1",
    clusterId,
    raftAddress: "127.0.0.1:1",
    apiAddress: "127.0.0.1:2",
    level: 1,
    groups: [],
    engine: "",
  };
}

Deno.test("links that break while a cluster forms are no contact that was lost", () => {
  const events = new OwnEvents(1, { monotonic: () => 0, wall: () => 1 });
  const links = new LinkEvents(events);
  const told = (): string[] => events.after(0, 99).map(({ kind }) => kind);
  // Neither has a cluster, then this member, then both.
  links.up(peer(""), "");
  links.down(2);
  links.up(peer("c"), "");
  links.down(2);
  links.up(peer(""), "c");
  links.down(2);
  assert.deepEqual(told(), []);
  links.up(peer("c"), "c");
  assert.deepEqual(told(), ["contact_regained"]);
  links.down(2);
  links.down(2);
  assert.deepEqual(told(), ["contact_regained", "contact_lost"]);
  links.up(peer("c"), "c");
  assert.equal(told().length, 3);
});
