import assert from "node:assert/strict";
import fc from "fast-check";
import {
  Admission,
  ADMISSION_LIMITS,
} from "../../src/network/listener/admission.ts";
import { networkOf } from "../../src/util/network_of.ts";

/** From two networks of IPv6, and two addresses of IPv4. */
const ADDRESSES = [
  ...["fd00::1", "fd00::2", "fd00:0:0:0:9::3", "fd00:0:0:1::1"],
  ...["10.0.0.1", "10.0.0.2"],
];

Deno.test("Admission: no limit is ever exceeded, and who fills the room is the one who leaves it", () => {
  const limits = { strangers: 6, strangersPerAddress: 3, connections: 9 };
  const steps = fc.array(
    fc.tuple(
      fc.constantFrom("enter", "prove", "leave"),
      fc.constantFrom(...ADDRESSES),
      fc.nat(),
    ),
    { maxLength: 200 },
  );
  fc.assert(fc.property(steps, (drawn) => {
    const admission = new Admission<number>(limits);
    const there = new Map<number, { from: string; proven: boolean }>();
    const strangersIf = (belongs: (from: string) => boolean): number[] =>
      [...there].filter(([, guest]) => !guest.proven && belongs(guest.from))
        .map(([id]) => id);
    const strangersOf = (address: string): number[] =>
      strangersIf((from) => from === address);
    const strangersNear = (address: string): number[] =>
      strangersIf((from) => networkOf(from) === networkOf(address));
    for (const [id, [what, from, pick]] of drawn.entries()) {
      const ids = [...there.keys()];
      const some = ids[pick % Math.max(1, ids.length)];
      if (what === "enter") {
        const verdict = admission.enter(id, from);
        if (verdict.kind === "refused") {
          assert.ok(there.size >= limits.connections, verdict.limit);
        } else {
          if (verdict.instead !== null) {
            const other = there.get(verdict.instead)!;
            assert.ok(!other.proven);
            const full = strangersOf(from).length ===
              limits.strangersPerAddress;
            const [near, theirs] = [
              strangersNear(from),
              strangersNear(other.from),
            ];
            if (full) assert.equal(strangersOf(from)[0], verdict.instead);
            else if (networkOf(other.from) === networkOf(from)) {
              assert.equal(near[0], verdict.instead);
              const most = ADDRESSES.map((one) => strangersNear(one).length);
              assert.equal(near.length, Math.max(...most));
            } else {
              assert.equal(theirs.at(-1), verdict.instead);
              assert.ok(theirs.length > near.length);
            }
            there.delete(verdict.instead);
          }
          there.set(id, { from, proven: false });
        }
      } else if (some !== undefined && what === "prove") {
        admission.prove(some);
        there.get(some)!.proven = true;
      } else if (some !== undefined) {
        admission.leave(some);
        there.delete(some);
      }
      const strangers = [...there.values()].filter(({ proven }) => !proven);
      assert.equal(admission.connections, there.size);
      assert.equal(admission.strangers, strangers.length);
      assert.ok(there.size <= limits.connections);
      assert.ok(strangers.length <= limits.strangers);
      assert.ok(strangersOf(from).length <= limits.strangersPerAddress);
    }
  }));
});

Deno.test("Admission: a network of IPv6 that fills the room with its addresses keeps nobody out, however often he comes", () => {
  const admission = new Admission<string>(ADMISSION_LIMITS);
  for (let i = 0; i < ADMISSION_LIMITS.strangers; i++) {
    admission.enter(`stranger ${i}`, `2001:db8:0:1::${i.toString(16)}`);
  }
  for (const lane of ["first", "second", "third"]) {
    const verdict = admission.enter(lane, "2001:db8:0:2::1");
    assert.ok(verdict.kind === "admitted");
    assert.match(verdict.instead!, /^stranger /);
  }
  // An honest one of that network is let in, too, for whoever has waited longest there.
  const neighbour = admission.enter("neighbour", "2001:db8:0:1::ffff");
  assert.deepEqual(neighbour, {
    kind: "admitted",
    instead: "stranger 0",
    limit: "at most 64 that have not proven yet that they know secret_raft",
  });
});

Deno.test("Admission: with 256 connections nobody is let in any more, whoever he is", () => {
  const admission = new Admission<number>(ADMISSION_LIMITS);
  for (let i = 0; i < 256; i++) {
    assert.equal(admission.enter(i, `${i}`).kind, "admitted");
    admission.prove(i);
  }
  const last = admission.enter(500, "a");
  assert.ok(last.kind === "refused");
  assert.match(last.limit, /at most 256 connections in all/);
});
