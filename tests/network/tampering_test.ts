import assert from "node:assert/strict";
import { SocketArena, type SocketMember } from "./arena.ts";
import { numbered, numberOf, up } from "./contract.ts";
import { Relay, type Tap } from "./raw.ts";
import { WireParts } from "./wire_parts.ts";

/** To which record the attacker does something, with the next one; each holds one message. */
const AT = 3;

/** What an attacker makes of the record with message `AT` and the one after it. */
type Attack = (records: readonly [Uint8Array, Uint8Array]) => Uint8Array[];

/** Passes everything on, and once, when `armed`, does something to two records of the acceptor on one connection. */
class Attacker {
  armed = false;
  attacked = false;
  /** Settles when the first of the two records is here. */
  readonly holding = Promise.withResolvers<void>();
  readonly #attack: Attack;
  readonly #parts = new Map<Deno.Conn, WireParts>();
  readonly #seen = new Map<Deno.Conn, number>();
  #held: { from: Deno.Conn; record: Uint8Array } | null = null;

  constructor(attack: Attack) {
    this.#attack = attack;
  }

  readonly tap: Tap = (bytes, side, from) => {
    if (side === "dialer") return bytes;
    let parts = this.#parts.get(from);
    if (parts === undefined) {
      this.#parts.set(from, parts = new WireParts("acceptor"));
    }
    const passed = parts.push(bytes).flatMap(({ kind, bytes }) =>
      kind === "record" && this.armed ? this.#record(from, bytes) : [bytes]
    );
    return Uint8Array.from(passed.flatMap((part) => [...part]));
  };

  /** Keepalives are no messages, and go on. */
  #record(from: Deno.Conn, record: Uint8Array): Uint8Array[] {
    if (record.length <= 4 + 16 || this.attacked) return [record];
    if (this.#held?.from === from) {
      this.attacked = true;
      return this.#attack([this.#held.record, record]);
    }
    const seen = (this.#seen.get(from) ?? 0) + 1;
    this.#seen.set(from, seen);
    if (seen !== AT) return [record];
    this.#held = { from, record };
    this.holding.resolve();
    return [];
  }
}

function flipped(record: Uint8Array, at: number): Uint8Array {
  const damaged = record.slice();
  damaged[(at + damaged.length) % damaged.length]! ^= 0x10;
  return damaged;
}

/** A record as somebody might write it who does not have the keys. */
function forged(): Uint8Array {
  const record = crypto.getRandomValues(new Uint8Array(4 + 180));
  new DataView(record.buffer).setUint32(0, 180, true);
  return record;
}

const SEAL = /a record was changed, inserted, repeated or lost on the way/;
const LENGTH = /a record has at most \d+ bytes, announced \d+/;

/** How each attack shows, and how many messages arrive before it does. */
const ATTACKS: readonly (readonly [string, Attack, RegExp, number])[] = [
  ["a flipped bit", ([a, b]) => [flipped(a, 6), b], SEAL, AT - 1],
  ["a flipped bit of a tag", ([a, b]) => [flipped(a, -1), b], SEAL, AT - 1],
  ["a flipped bit of a length", ([a, b]) => [flipped(a, 3), b], LENGTH, AT - 1],
  ["an inserted record", ([a, b]) => [a, forged(), b], SEAL, AT],
  ["a record that comes again", ([a, b]) => [a, a, b], SEAL, AT],
  ["a record that is missing", ([, b]) => [b], SEAL, AT - 1],
  ["two records that change places", ([a, b]) => [b, a], SEAL, AT - 1],
];

for (const [title, attack, line, arrive] of ATTACKS) {
  Deno.test(`${title} breaks the link, says so, and delivers nothing more; then there is another link`, async () => {
    const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 10 });
    const attacker = new Attacker(attack);
    const relay = new Relay(arena.address(2).address, attacker.tap);
    const a = arena.member(1, {
      addresses: [{ id: 2, address: relay.address }],
    });
    const b = arena.member(2);
    a.network.start();
    b.network.start();
    await up(a, b);
    attacker.armed = true;
    const send = (i: number): void =>
      assert.ok(b.network.send(1, "bulk", numbered(i)));
    const arrived = (): number => a.recorder.frames("bulk").length;
    for (let i = 0; i < AT - 1; i++) {
      send(i);
      await a.recorder.until("a message", () => arrived() > i);
    }
    send(AT - 1);
    await attacker.holding.promise;
    send(AT);
    await a.recorder.until("a broken link", () => a.recorder.count("down") > 0);
    await a.logged(
      new RegExp(`error the link with node 2 was broken.*${line.source}`),
    );
    await up(a, b);
    assert.deepEqual(
      a.recorder.frames("bulk").map(numberOf),
      Array.from({ length: arrive }, (_, i) => i),
    );
    assert.ok(attacker.attacked);
    await wellAgain(a, b);
    await arena.close();
    await relay.close();
  });
}

async function wellAgain(a: SocketMember, b: SocketMember): Promise<void> {
  const before = a.recorder.frames("control").length;
  assert.ok(b.network.send(1, "control", numbered(77)));
  await a.recorder.until(
    "a message on the new link",
    () => a.recorder.frames("control").length > before,
  );
  assert.equal(numberOf(a.recorder.frames("control").at(-1)!), 77);
}

Deno.test("records of one lane or of one direction are worth nothing on another", async () => {
  const arena = new SocketArena({ backoffMinMs: 1, backoffMaxMs: 10 });
  const firsts = new Map<Deno.Conn, Uint8Array>();
  let swapped = false;
  const parts = new Map<Deno.Conn, WireParts>();
  // The first records of the two lanes have the same counter: they change places.
  const relay = new Relay(arena.address(2).address, (bytes, side, from) => {
    if (side === "dialer") return bytes;
    const known = parts.get(from) ?? new WireParts("acceptor");
    parts.set(from, known);
    const passed = known.push(bytes).flatMap((part) => {
      if (part.kind !== "record" || swapped) return [part.bytes];
      const [other] = [...firsts].find(([conn]) => conn !== from) ?? [];
      if (other === undefined) {
        firsts.set(from, part.bytes);
        return [];
      }
      swapped = true;
      return [firsts.get(other)!];
    });
    return Uint8Array.from(passed.flatMap((part) => [...part]));
  });
  const a = arena.member(1, { addresses: [{ id: 2, address: relay.address }] });
  const b = arena.member(2);
  b.recorder.onEvent = ({ kind }) => {
    if (kind !== "up") return;
    b.network.send(1, "bulk", numbered(1));
    b.network.send(1, "control", numbered(2));
  };
  a.network.start();
  b.network.start();
  await a.logged(
    new RegExp(`error the link with node 2 was broken.*${SEAL.source}`),
  );
  assert.ok(swapped);
  await up(a, b);
  await arena.close();
  await relay.close();
});

Deno.test("who records a link sees neither what is sent nor that the same is sent twice", async () => {
  const arena = new SocketArena();
  const captured: Uint8Array[] = [];
  const tap: Tap = (bytes) => {
    captured.push(bytes);
    return bytes;
  };
  const relays = [1, 2].map((node) =>
    new Relay(arena.address(node).address, tap)
  );
  const a = arena.member(1, {
    addresses: [{ id: 2, address: relays[1]!.address }],
  });
  const b = arena.member(2, {
    addresses: [{ id: 1, address: relays[0]!.address }],
  });
  a.network.start();
  b.network.start();
  await up(a, b);
  const marker = new TextEncoder().encode(
    "a marker that nobody may see ".repeat(20),
  );
  for (const lane of ["bulk", "control"] as const) {
    for (let i = 0; i < 3; i++) {
      a.network.send(2, lane, marker);
      b.network.send(1, lane, marker);
    }
  }
  for (const { recorder } of [a, b]) {
    await recorder.until("all", () => recorder.count("frame") === 6);
    assert.deepEqual(Uint8Array.from(recorder.frames("bulk")[0]!), marker);
  }
  const all = captured.map((bytes) => new TextDecoder("latin1").decode(bytes))
    .join("");
  assert.ok(all.length > 12 * marker.length);
  assert.ok(!all.includes("marker"));
  // No 16 bytes of sealed text come twice.
  const sealed = all.slice(all.lastIndexOf("hiqlite-link") + 2000);
  const blocks = new Set<string>();
  let count = 0;
  for (let at = 0; at + 16 <= sealed.length; at += 16, count++) {
    blocks.add(sealed.slice(at, at + 16));
  }
  assert.equal(blocks.size, count);
  await arena.close();
  for (const relay of relays) await relay.close();
});
