import assert from "node:assert/strict";
import type { Entry } from "../../../src/raft/types.ts";
import { hashOfCache } from "../../../src/state/kv/contents_hash.ts";
import type { KvStore } from "../../../src/state/kv/store.ts";
import type { Pace } from "../../../src/state/kv/pace.ts";
import type { KvAnswer } from "../../../src/state/kv/types.ts";
import { SeededRandom } from "../../../src/util/random.ts";
import { answersIn, Caches } from "./caches.ts";
import { Model } from "./model.ts";
import { Storyteller } from "./story.ts";
import { snapshotOf } from "../machine_calls.ts";

const STORIES = Number(Deno.env.get("KV_STORIES") ?? 12);
const CHAPTERS = 300;

let clock = 0;

/** Each step is a slice of its own, so that a snapshot is built between the entries of a batch. */
const ONE_STEP: Pace = {
  now: () => clock += 100,
  soon: (next) => queueMicrotask(next),
  turn: (next) => queueMicrotask(next),
};

/** An answer without what is only for people. */
function essence(answer: KvAnswer): unknown {
  return answer.kind === "refused" ? { ...answer, message: "" } : answer;
}

/** Tells a story to a model and to machines that get its entries in different batches, one of them replaced by copies of itself. */
async function tell(seed: number): Promise<void> {
  const random = new SeededRandom(seed);
  const teller = new Storyteller(random);
  const model = new Model();
  await using single = new Caches();
  await using batched = new Caches();
  let copied = new Caches({ pace: ONE_STEP });
  let waiting: Entry[] = [];
  for (let i = 1; i <= CHAPTERS; i++) {
    const { units, options } = teller.chapter(model.versions());
    const entry = single.entry(units, options);
    const expected = model.apply(
      units,
      entry.index,
      options.clockMs,
      options.maxBytes,
    );
    const [answer] = await single.apply([entry]);
    assert.deepEqual(answersIn(answer!).map(essence), expected.map(essence));
    assert.deepEqual(single.dump(), model.dump());
    waiting.push(entry);
    if (teller.below(8) > 0 && i < CHAPTERS) continue;
    await batched.apply(waiting);
    // What is applied while a snapshot is built is part of it.
    const early = teller.below(3) === 0 ? snapshotOf(copied.machine) : null;
    await copied.apply(waiting);
    if (early !== null) {
      const next = new Caches({ pace: ONE_STEP });
      await next.install(copied, early);
      assert.deepEqual(next.dump(), copied.dump());
      next.events.push(...copied.events);
      await copied.close();
      copied = next;
    }
    assert.deepEqual(copied.dump(), single.dump());
    waiting = [];
  }
  assert.deepEqual(batched.dump(), single.dump());
  assert.deepEqual(batched.events, single.events);
  assert.deepEqual(copied.events, single.events);
  const hashes = single.machine.stateHashes();
  assert.ok(hashes.length > 2);
  assert.deepEqual(batched.machine.stateHashes(), hashes);
  for (const { index, hash } of copied.machine.stateHashes()) {
    assert.equal(hash, hashes.find((other) => other.index === index)?.hash);
  }
  for (const caches of [single, batched, copied]) {
    await caches.machine.check(true);
    assert.equal(caches.store.position!.hash, hashOfAll(caches.store));
  }
  await copied.close();
}

/** What the hash of everything is the sum of. */
function hashOfAll(store: KvStore): number {
  let hash = 0;
  for (const cache of store.caches()) hash = hash + hashOfCache(cache) >>> 0;
  return hash;
}

Deno.test("random stories end as the model says, however they are cut into batches and copied", async () => {
  const seed = Math.floor(Math.random() * 2 ** 31);
  for (let i = 0; i < STORIES; i++) {
    try {
      await tell(seed + i);
    } catch (error) {
      throw new Error(`Seed ${seed + i}: ${(error as Error).message}`, {
        cause: error,
      });
    }
  }
});
