import assert from "node:assert/strict";
import fc from "fast-check";
import {
  decodeConfiguration,
  encodeConfiguration,
  isJoint,
  isMember,
  isVoter,
  leaveJoint,
  membersOf,
  votersOf,
} from "../../src/raft/configuration.ts";
import { ByteWriter, MalformedBytesError } from "../../src/util/bytes.ts";
import { configOf } from "./harness/configurations.ts";

const name = fc.tuple(fc.integer({ min: 1, max: 99 }), fc.nat()).map((
  [node, incarnation],
) => `${node}.${incarnation.toString(16).padStart(16, "0")}`);

const config = fc.uniqueArray(name, { maxLength: 12 }).chain((names) =>
  fc.array(fc.nat({ max: 4 }), {
    minLength: names.length,
    maxLength: names.length,
  }).map((roles) => {
    const of = (...wanted: number[]) =>
      names.filter((_, i) => wanted.includes(roles[i]!)).sort();
    // 0 stays a voter, 1 comes, 2 goes, 3 learns, 4 goes and learns.
    return configOf(of(0, 1), of(3), of(0, 2, 4), of(4));
  })
);

Deno.test("decodeConfiguration() reads what encodeConfiguration() wrote", () => {
  fc.assert(fc.property(config, (config) => {
    assert.deepEqual(decodeConfiguration(encodeConfiguration(config)), config);
  }));
});

Deno.test("decodeConfiguration() throws on every truncation and on excess", () => {
  const bytes = encodeConfiguration(configOf(["1.a", "2.b"], ["3.c"], ["1.a"]));
  for (let length = 0; length < bytes.length; length++) {
    assert.throws(
      () => decodeConfiguration(bytes.slice(0, length)),
      MalformedBytesError,
    );
  }
  const longer = new Uint8Array([...bytes, 0]);
  assert.throws(() => decodeConfiguration(longer), MalformedBytesError);
});

Deno.test("decodeConfiguration() throws nothing but MalformedBytesError on arbitrary bytes", () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
    try {
      decodeConfiguration(bytes);
    } catch (error) {
      assert.ok(error instanceof MalformedBytesError, `${error}`);
    }
  }));
});

Deno.test("decodeConfiguration() refuses unknown formats, unsorted and contradictory lists", () => {
  const cases: [Uint8Array, RegExp][] = [
    [new ByteWriter().u8(2).finish(), /format 2/],
    [new ByteWriter().u8(1).u32(99).finish(), /99 members do not fit/],
    [encodeConfiguration(configOf(["2", "1"])), /not sorted at 1/],
    [encodeConfiguration(configOf(["1", "1"])), /not sorted at 1/],
    [encodeConfiguration(configOf(["1"], ["1"])), /voter and learner/],
    [encodeConfiguration(configOf(["1"], ["2"], ["2"])), /voter and learner/],
    [encodeConfiguration(configOf(["1"], [], ["1"], ["1"])), /outgoing voter/],
    [encodeConfiguration(configOf(["1"], [], ["2"], ["3"])), /outgoing voter/],
  ];
  for (const [bytes, problem] of cases) {
    assert.throws(() => decodeConfiguration(bytes), problem);
  }
});

Deno.test("membersOf(), votersOf(), isMember() and isVoter() cover both halves of a joint configuration", () => {
  const joint = configOf(["1", "4"], ["3"], ["1", "2"], ["2"]);
  assert.deepEqual(membersOf(joint), ["1", "2", "3", "4"]);
  assert.deepEqual(votersOf(joint), ["1", "2", "4"]);
  assert.deepEqual(["1", "2", "3", "4", "5"].map((m) => isVoter(joint, m)), [
    true,
    true,
    false,
    true,
    false,
  ]);
  assert.ok(isMember(joint, "3") && !isMember(joint, "5"));
  assert.ok(isJoint(joint) && !isJoint(leaveJoint(joint)));
});

Deno.test("leaveJoint() keeps the incoming voters and makes demoted ones learners", () => {
  const joint = configOf(["1", "4"], ["3"], ["1", "2"], ["2"]);
  assert.deepEqual(leaveJoint(joint), configOf(["1", "4"], ["2", "3"]));
});
