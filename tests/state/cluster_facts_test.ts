import assert from "node:assert/strict";
import fc from "fast-check";
import { NO_CONFIGURATION } from "../../src/raft/types.ts";
import {
  changedFacts,
  type ClusterFacts,
  type Epoch,
  type FactChange,
  FIRST_FACTS,
  readFactChange,
  readFacts,
  tooOld,
  type VoterSets,
  voterSetsOf,
  writeFactChange,
  writeFacts,
} from "../../src/state/cluster_facts.ts";
import {
  ByteReader,
  ByteWriter,
  MalformedBytesError,
} from "../../src/util/bytes.ts";

const record = <T>(
  fields: { [K in keyof T]: fc.Arbitrary<T[K]> },
): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true }) as fc.Arbitrary<T>;
const u32 = fc.nat({ max: 0xffff_ffff });
const release = fc.string({ unit: "grapheme", maxLength: 20 });
const epoch: fc.Arbitrary<Epoch> = record({
  number: fc.maxSafeNat(),
  founding: fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 1 }).chain((ids) =>
    fc.nat({ max: ids.length - 1 }).map((learners) => {
      const members = ids.map((id) => `${id}.a`);
      return {
        ...NO_CONFIGURATION,
        voters: members.slice(learners).sort(),
        learners: members.slice(0, learners).sort(),
      };
    })
  ),
});
const voters: fc.Arbitrary<VoterSets> = record({
  number: fc.nat(),
  term: fc.nat(),
  sets: fc.array(fc.array(fc.nat({ max: 9 }).map((id) => `${id}.a`))),
});
const change: fc.Arbitrary<FactChange> = fc.oneof(
  record({ kind: fc.constant("level" as const), level: u32, release }),
  record({ kind: fc.constant("epoch" as const), group: u32, epoch }),
  record({
    kind: fc.constant("epoch" as const),
    group: u32,
    epoch,
    after: fc.nat(),
  }),
  record({
    kind: fc.constant("voters" as const),
    group: u32,
    epoch: fc.maxSafeNat(),
    voters,
  }),
);
const facts: fc.Arbitrary<ClusterFacts> = record({
  level: u32,
  release,
  epochs: fc.array(fc.tuple(u32, epoch, fc.option(voters)), { maxLength: 4 })
    .map((groups) =>
      new Map(groups.map(([group, epoch, voters]) => [
        group,
        voters === null ? epoch : { ...epoch, voters },
      ]))
    ),
});

interface Codec<T> {
  readonly values: fc.Arbitrary<T>;
  write(writer: ByteWriter, value: T): void;
  read(reader: ByteReader): T;
}

function encoded<T>({ write }: Codec<T>, value: T): Uint8Array {
  const writer = new ByteWriter();
  write(writer, value);
  return writer.finish();
}

/** What bytes mean as a whole, or that they are malformed. */
function decoded<T>({ read }: Codec<T>, bytes: Uint8Array): T | "malformed" {
  try {
    const reader = new ByteReader(bytes);
    const value = read(reader);
    reader.end();
    return value;
  } catch (error) {
    assert.ok(error instanceof MalformedBytesError, String(error));
    return "malformed";
  }
}

function check<T>(name: string, codec: Codec<T>): void {
  Deno.test(`${name}: what is written is read, and a part of it is malformed`, () => {
    fc.assert(fc.property(codec.values, fc.nat(), (value, cut) => {
      const bytes = encoded(codec, value);
      assert.deepEqual(decoded(codec, bytes), value);
      const part = bytes.slice(0, cut % bytes.length);
      assert.equal(decoded(codec, part), "malformed");
    }));
  });

  Deno.test(`${name}: damaged bytes are read as something or are malformed, nothing else`, () => {
    fc.assert(fc.property(
      codec.values,
      fc.array(fc.tuple(fc.nat(), fc.nat({ max: 255 })), { minLength: 1 }),
      (value, damage) => {
        const bytes = encoded(codec, value);
        for (const [at, byte] of damage) bytes[at % bytes.length] = byte;
        decoded(codec, bytes);
      },
    ));
    fc.assert(fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      decoded(codec, bytes);
    }));
  });
}

check("a change of a fact", {
  values: change,
  write: writeFactChange,
  read: readFactChange,
});
check("facts", { values: facts, write: writeFacts, read: readFacts });

Deno.test("facts are written the same whatever order their groups came in", () => {
  fc.assert(fc.property(facts, (value) => {
    const other = new Map([...value.epochs].reverse());
    const codec = { values: facts, write: writeFacts, read: readFacts };
    assert.deepEqual(
      encoded(codec, { ...value, epochs: other }),
      encoded(codec, value),
    );
  }));
});

Deno.test("a fact changes to the next one only, and one group's epoch leaves the others alone", () => {
  fc.assert(fc.property(facts, change, (before, asked) => {
    const after = changedFacts(before, asked);
    if (asked.kind === "level") {
      if (asked.level !== before.level + 1) {
        return assert.equal(
          after,
          `the feature level is ${before.level}, it cannot become ${asked.level}`,
        );
      }
      return assert.deepEqual(after, {
        ...before,
        level: asked.level,
        release: asked.release,
      });
    }
    if (asked.kind === "voters") return;
    const present = before.epochs.get(asked.group)?.number ?? 0;
    const next = { ...asked.epoch, number: present + 1 };
    const { kind, group } = asked;
    const changed = changedFacts(before, { kind, group, epoch: next });
    assert.ok(typeof changed !== "string");
    assert.deepEqual(changed.epochs.get(asked.group), next);
    assert.equal(changed.level, before.level);
    for (const [group, epoch] of before.epochs) {
      if (group !== asked.group) {
        assert.equal(changed.epochs.get(group), epoch);
      }
    }
    // Who did not hear of it, and proposes the same again, changes nothing.
    assert.equal(
      typeof changedFacts(changed, { ...asked, epoch: next }),
      "string",
    );
  }));
});

Deno.test("who may vote in an epoch changes one after the other, and not by the leader of an earlier term", () => {
  const founding = { ...NO_CONFIGURATION, voters: ["1.a", "2.a"] };
  const begun = changedFacts(FIRST_FACTS, {
    kind: "epoch",
    group: 1,
    epoch: { number: 1, founding },
  });
  assert.ok(typeof begun !== "string");
  assert.deepEqual(voterSetsOf(begun.epochs.get(1)!), {
    number: 0,
    term: 0,
    sets: [["1.a", "2.a"]],
  });
  const change = (
    facts: ClusterFacts,
    number: number,
    term: number,
    epoch = 1,
  ) =>
    changedFacts(facts, {
      kind: "voters",
      group: 1,
      epoch,
      voters: { number, term, sets: [["1.a"]] },
    });
  const changed = change(begun, 1, 5);
  assert.ok(typeof changed !== "string");
  assert.deepEqual(voterSetsOf(changed.epochs.get(1)!).sets, [["1.a"]]);
  assert.equal(
    change(changed, 1, 5),
    "the voters of group 1 changed 1 times, last in term 5: this is change 1, of term 5",
  );
  assert.equal(typeof change(changed, 3, 5), "string");
  assert.equal(typeof change(changed, 2, 4), "string");
  assert.equal(typeof change(changed, 2, 5), "object");
  assert.equal(
    change(changed, 2, 5, 2),
    "group 1 is in epoch 1, its voters in epoch 2 cannot change",
  );
  const begin = (after?: number) =>
    changedFacts(changed, {
      kind: "epoch",
      group: 1,
      epoch: { number: 2, founding },
      ...(after === undefined ? {} : { after }),
    });
  assert.equal(begin(0), "the voters of group 1 changed 1 times, not 0");
  for (const next of [begin(1), begin()]) {
    assert.ok(typeof next !== "string");
    assert.deepEqual(next.epochs.get(1), { number: 2, founding });
  }
});

Deno.test("a new cluster is at the first level, which every release knows", () => {
  assert.equal(FIRST_FACTS.level, 1);
  assert.equal(tooOld(FIRST_FACTS, 1, "anybody"), null);
  assert.equal(
    tooOld({ ...FIRST_FACTS, level: 3, release: "0.7.0" }, 2, "node 4"),
    "the cluster is at feature level 3, node 4 knows 2: start release 0.7.0 or newer on it",
  );
});
