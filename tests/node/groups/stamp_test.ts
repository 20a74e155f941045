import assert from "node:assert/strict";
import { envelopeStamp } from "../../../src/node/groups/stamp.ts";
import {
  decodeEnvelope,
  type EnvelopeKind,
  NO_IDENTITY,
  writeEnvelope,
} from "../../../src/state/envelope.ts";
import { ByteWriter } from "../../../src/util/bytes.ts";
import { systemClock } from "../../../src/util/clock.ts";
import { SeededRandom } from "../../../src/util/random.ts";

type Seeds = readonly [number, number];

function seedsOf(
  stamp: ReturnType<typeof envelopeStamp>,
  kind: EnvelopeKind,
  sequence: number,
): Seeds {
  const writer = new ByteWriter();
  writeEnvelope(writer, kind, { ...NO_IDENTITY, session: 1, sequence });
  const bytes = writer.finish();
  stamp(bytes, 5);
  return decodeEnvelope(bytes).seed;
}

Deno.test("what is stamped again has the chance that it had, and every write and every start another", () => {
  const stampOf = (seed: number) =>
    envelopeStamp(systemClock, new SeededRandom(9), { nowMs: 1, seed });
  const stamp = stampOf(1);
  const first = seedsOf(stamp, "command", 1);
  const second = seedsOf(stamp, "command", 2);
  assert.notDeepEqual(first, second);
  assert.deepEqual(seedsOf(stamp, "command", 1), first);
  assert.notDeepEqual(seedsOf(stampOf(2), "command", 1), first);
});

Deno.test("entries of the member itself take nothing of a test's chance", () => {
  const stamp = envelopeStamp(systemClock, new SeededRandom(9), {
    nowMs: 1,
    seed: 1,
  });
  assert.notDeepEqual(
    seedsOf(stamp, "clock", 1),
    seedsOf(stamp, "clock", 1),
  );
});
