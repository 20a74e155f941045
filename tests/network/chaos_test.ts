import assert from "node:assert/strict";
import type { Lane, PeerIdentity } from "../../src/network/port.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { SocketArena, type SocketMember } from "./arena.ts";
import { numbered, numberOf, type Told, up } from "./contract.ts";
import { Relay } from "./raw.ts";

const NODES = [1, 2, 3];
const LANES: readonly Lane[] = ["control", "bulk"];

/** Judges every event of one member as it happens. */
class Judge {
  readonly #linked = new Map<number, PeerIdentity>();
  readonly #last = new Map<string, number>();
  frames = 0;

  check(told: Told): void {
    switch (told.kind) {
      case "up": {
        const node = nodeIdOf(told.peer.id);
        assert.ok(!this.#linked.has(node), `linkUp twice for ${node}`);
        this.#linked.set(node, told.peer);
        break;
      }
      case "down":
        assert.ok(this.#linked.delete(told.node), `linkDown without linkUp`);
        break;
      case "frame": {
        const node = nodeIdOf(told.from.id);
        assert.equal(this.#linked.get(node)?.id, told.from.id);
        const key = `${node} ${told.lane}`;
        const number = numberOf(told.bytes);
        const last = this.#last.get(key) ?? -1;
        assert.ok(number > last, `${key}: ${number} after ${last}`);
        this.#last.set(key, number);
        this.frames++;
        break;
      }
    }
  }
}

Deno.test("links that break, fall silent and change identity never duplicate, reorder or misattribute a frame, and heal", async () => {
  const seed = Date.now() % 2 ** 32;
  // deno-lint-ignore no-console -- a failure is repeated with its seed
  console.log(`seed ${seed}`);
  const random = new SeededRandom(seed);
  const arena = new SocketArena({
    keepaliveMs: 40,
    deadMs: 200,
    handshakeMs: 500,
    backoffMinMs: 5,
    backoffMaxMs: 50,
    recordBytes: 1000,
  });
  const relays: Relay[] = [];
  const members: SocketMember[] = NODES.map((node) => {
    const addresses = NODES.filter((other) => other !== node).map((id) => {
      const relay = new Relay(arena.address(id).address);
      relays.push(relay);
      return { id, address: relay.address };
    });
    return arena.member(node, { addresses });
  });
  const judges = members.map((member) => {
    const judge = new Judge();
    member.recorder.onEvent = (told) => judge.check(told);
    return judge;
  });
  const pairs = members.flatMap((one) =>
    members.filter((other) => other !== one).map((other) => ({ one, other }))
  );
  let number = 0;
  const talk = (): void => {
    for (const { one, other } of pairs) {
      const to = nodeIdOf(other.identity.id);
      for (const lane of LANES) {
        const size = randomBetween(random, 4, 5_000);
        one.network.send(to, lane, numbered(number++, size));
      }
    }
  };
  const disturb = (step: number): void => {
    const relay = relays[randomBetween(random, 0, relays.length)]!;
    const member = members[randomBetween(random, 0, members.length)]!;
    const choice = randomBetween(random, 0, 8);
    if (choice === 0) relay.break();
    if (choice === 1) relay.swallow();
    if (choice === 2) relays.forEach((silent) => silent.release());
    if (choice === 3) {
      const incarnation = String(step).padStart(16, "0");
      const id = `${nodeIdOf(member.identity.id)}.${incarnation}`;
      member.network.setIdentity({ ...member.identity, id });
    }
  };

  for (const { network } of members) network.start();
  for (const { one, other } of pairs) await up(one, other);
  for (let step = 0; step < 120; step++) {
    for (let burst = 0; burst < 5; burst++) talk();
    disturb(step);
    await new Promise((resolve) => setTimeout(resolve, 15));
  }
  for (const relay of relays) relay.release();
  for (const { one, other } of pairs) {
    const node = nodeIdOf(other.identity.id);
    await one.recorder.until(
      "healed",
      () => one.network.peer(node) !== undefined,
    );
  }
  for (const judge of judges) assert.ok(judge.frames > 100);
  await arena.close();
  for (const relay of relays) await relay.close();
});
