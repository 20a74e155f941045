import fc from "fast-check";
import assert from "node:assert/strict";
import { FaultDisk } from "./fault_disk.ts";
import { contentsOf, Story, survivors } from "./story.ts";

/** One thing that happens to a log; numbers are scaled to what is possible at that moment. */
type Step =
  | { do: "append"; count: number; bytes: number; newTerm: boolean }
  | { do: "truncate" | "purge"; at: number }
  | { do: "reset"; ahead: number }
  | { do: "vote" | "sync" | "runOne" | "run" }
  | { do: "crash"; at: number; seed: number }
  | { do: "recoveryCrash" | "restart"; at: number; seed: number };

const fraction = fc.integer({ min: 0, max: 100 });
const seed = fc.integer({ min: 0, max: 1 << 20 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("append" as const),
      count: fc.integer({ min: 1, max: 12 }),
      bytes: fc.oneof(
        fc.integer({ min: 0, max: 300 }),
        fc.integer({ min: 0, max: 3000 }),
        fc.constant(9000),
      ),
      newTerm: fc.boolean(),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("truncate" as const, "purge" as const),
      at: fraction,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("reset" as const),
      ahead: fc.integer({ min: 0, max: 50 }),
    }),
  },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "vote" as const,
        "sync" as const,
        "sync" as const,
        "runOne" as const,
        "runOne" as const,
        "run" as const,
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constantFrom(
        "crash" as const,
        "recoveryCrash" as const,
        "restart" as const,
      ),
      at: fraction,
      seed,
    }),
  },
);

/** Crashes somewhere, checks what is left, and goes on from there. */
function crash(story: Story, at: number, seed: number): Story {
  const back = (story.disk.length - story.opened) * (at / 100) ** 3;
  const count = story.disk.length - Math.floor(back);
  const left = story.checkCrash(count, survivors(seed), `crash ${seed}`);
  return new Story(left, story.stateOf(contentsOf(left.copy())));
}

/** Crashes at the end, and again during the recovery from that. */
function recoveryCrash(story: Story, at: number, seed: number): Story {
  const { length } = story.disk;
  const left = story.checkCrash(length, survivors(seed), `crash ${seed}`);
  const found = contentsOf(left.copy());
  const before = left.length;
  contentsOf(left);
  const again = before + Math.floor((left.length - before) * at / 100);
  const twice = left.crash(again, survivors(seed + 1));
  assert.equal(contentsOf(twice.copy()), found, "recovery after recovery");
  return new Story(twice, story.stateOf(found));
}

/** The process dies, the machine does not: unsynced writes are still there, and still unsynced. */
function restart(story: Story, at: number, seed: number): Story {
  const { disk } = story;
  disk.kill();
  const before = disk.length;
  const next = new Story(disk, story.model.clone());
  const during = before + Math.floor((next.opened - before) * at / 100);
  story.checkCrash(during, survivors(seed), `crash in restart ${seed}`);
  const after = disk.crash(next.opened, survivors(seed));
  assert.equal(contentsOf(after), story.model.fingerprint());
  return next;
}

function tell(steps: readonly Step[]): void {
  let story = new Story(new FaultDisk());
  for (const step of steps) {
    const { base, last } = story.model;
    const index = (at: number): number =>
      base.index + Math.round((last.index - base.index) * at / 100);
    switch (step.do) {
      case "append":
        story.append(step.count, step.bytes, step.newTerm);
        break;
      case "truncate":
        story.truncateAfter(index(step.at));
        break;
      case "purge":
        story.purge(index(step.at));
        break;
      case "reset":
        story.reset(step.ahead);
        break;
      case "vote":
        story.vote();
        break;
      case "sync":
        story.sync();
        break;
      case "runOne":
        story.disk.runOne();
        break;
      case "run":
        story.disk.run();
        break;
      case "crash":
        story = crash(story, step.at, step.seed);
        break;
      case "restart":
        story = restart(story, step.at, step.seed);
        break;
      case "recoveryCrash":
        story = recoveryCrash(story, step.at, step.seed);
        break;
    }
    const { log, model } = story;
    assert.deepEqual([log.base, log.last], [model.base, model.last]);
  }
  story.syncNow();
  const left = story.disk.crash(story.disk.length, () => false);
  assert.equal(contentsOf(left), story.model.fingerprint());
}

Deno.test("what a recovery has not found does not come back under the header of a segment that begins anew", () => {
  const append = (count: number, bytes: number): Step => ({
    do: "append",
    count,
    bytes,
    newTerm: false,
  });
  tell([
    append(6, 186),
    { do: "truncate", at: 9 },
    { do: "restart", at: 0, seed: 0 },
    append(3, 229),
    { do: "truncate", at: 13 },
    { do: "vote" },
    { do: "truncate", at: 0 },
    { do: "sync" },
    append(1, 757),
    { do: "runOne" },
    { do: "crash", at: 0, seed: 664550 },
    append(3, 202),
    { do: "crash", at: 0, seed: 225905 },
  ]);
});

const runSeed = Number(Deno.env.get("LOG_SEED") ?? Date.now() % 2 ** 31);
const numRuns = Number(Deno.env.get("LOG_RUNS") ?? 300);

Deno.test(`SegmentLog equals the model after any story with crashes (LOG_SEED=${runSeed})`, () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60, size: "max" }), tell),
    { seed: runSeed, numRuns },
  );
});
