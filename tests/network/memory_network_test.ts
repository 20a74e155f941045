import assert from "node:assert/strict";
import { MemoryNetwork } from "../../src/network/memory_network.ts";
import {
  type Arena,
  type Contestant,
  identityOf,
  linked,
  MESSAGE_BYTES,
  networkContract,
  numbered,
  QUEUE_BYTES,
  Recorder,
  up,
} from "./contract.ts";

function memoryArena(network: MemoryNetwork): Arena {
  const members: Contestant[] = [];
  const address = (id: number) => ({ id, address: `memory.${id}` });
  return {
    member(node, options = {}) {
      const recorder = new Recorder();
      const identity = identityOf(node, `memory.${node}`, options);
      const peers = options.peers ?? [3 - node];
      const joined = network.join({
        self: identity,
        peers: peers.map(address),
        events: recorder,
      });
      const stop = () => joined.close();
      const member = { network: joined, recorder, identity, stop };
      members.push(member);
      return member;
    },
    address,
    async close() {
      for (const member of members) await member.stop();
    },
  };
}

function limited(): MemoryNetwork {
  return new MemoryNetwork({
    limits: { queueBytes: QUEUE_BYTES, messageBytes: MESSAGE_BYTES },
  });
}

networkContract("MemoryNetwork", () => memoryArena(limited()));

Deno.test("MemoryNetwork cut() breaks a link and heal() makes it again", async () => {
  const network = limited();
  const arena = memoryArena(network);
  const [a, b] = await linked(arena);
  network.cut(1, 2);
  assert.equal(a.network.peer(2), undefined);
  assert.equal(b.recorder.count("down"), 1);
  network.heal(1, 2);
  await up(a, b);
  await arena.close();
});

Deno.test("MemoryNetwork loses what was on its way when a link broke", async () => {
  const network = limited();
  const arena = memoryArena(network);
  const [a, b] = await linked(arena);
  a.network.send(2, "bulk", numbered(1));
  network.cut(1, 2);
  network.heal(1, 2);
  await up(a, b);
  a.network.send(2, "bulk", numbered(2));
  await b.recorder.until("a frame", () => b.recorder.count("frame") > 0);
  assert.deepEqual(b.recorder.frames("bulk"), [numbered(2)]);
  await arena.close();
});

Deno.test("MemoryNetwork does not link members of different clusters", () => {
  const queue: (() => void)[] = [];
  const network = new MemoryNetwork({ schedule: (run) => queue.push(run) });
  const arena = memoryArena(network);
  const a = arena.member(1, { clusterId: "c1" });
  const b = arena.member(2, { clusterId: "c2" });
  a.network.start();
  b.network.start();
  while (queue.length > 0) queue.shift()!();
  assert.equal(a.network.peer(2), undefined);
  assert.deepEqual(b.recorder.told, []);
});
