import assert from "node:assert/strict";
import * as fs from "node:fs";
import { join } from "node:path";
import { randomBetween, SeededRandom } from "../../../../src/util/random.ts";
import { checkpoint } from "../store_subject.ts";
import {
  closeStore,
  contents,
  copyFiles,
  DATA,
  openStore,
  ready,
  WAL,
  withFolder,
  writeRound,
} from "./folder.ts";

const SECTOR = 512;
const ROUNDS = 30;

/** What each round leaves, as a store says that never lost its power. */
async function expectedStates(rounds: number): Promise<string[]> {
  const states: string[] = [];
  await withFolder(async (dir) => {
    const store = openStore(dir);
    states.push(contents(store));
    for (let round = 1; round <= rounds; round++) {
      writeRound(store, round);
      states.push(contents(store));
    }
    await closeStore(store);
  });
  return states;
}

/** Sectors of a file as it was and as it is, any of them: what a disk may hold that lost its power. */
function mix(random: SeededRandom, before: Uint8Array, now: Uint8Array) {
  const end = randomBetween(random, before.length, now.length + 1);
  const mixed = new Uint8Array(end);
  mixed.set(before);
  const share = randomBetween(random, 0, 5);
  for (let at = 0; at < end; at += SECTOR) {
    if (randomBetween(random, 0, 4) >= share) continue;
    mixed.set(now.subarray(at, Math.min(at + SECTOR, end)), at);
  }
  return mixed;
}

/** Opens what a power cut left, which must be the state after one of the rounds, and go on from there. */
async function verify(cut: string, durable: number, states: string[]) {
  const found = openStore(cut);
  const round = found.position?.applied.index ?? 0;
  assert.ok(round >= durable, `round ${round}, but ${durable} was durable`);
  assert.equal(contents(found), states[round], `round ${round}`);
  writeRound(found, round + 1);
  assert.equal(contents(found), states[round + 1], `round ${round} + 1`);
  await closeStore(found);
}

Deno.test("after a power cut everything until the last checkpoint is there, and no more than some rounds as a whole", async () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0]!;
  const random = new SeededRandom(seed);
  const states = await expectedStates(ROUNDS + 1);
  await withFolder(async (root) => {
    const dir = join(root, "store");
    const store = openStore(dir);
    let durable = 0;
    // Nothing was synced but the empty file.
    let wal: Uint8Array = new Uint8Array(0);
    let data: Uint8Array = fs.readFileSync(join(dir, DATA));
    for (let round = 1; round <= ROUNDS; round++) {
      writeRound(store, round);
      const cut = join(root, `cut-${round}`);
      copyFiles(dir, cut);
      const walNow = fs.readFileSync(join(dir, WAL));
      fs.writeFileSync(join(cut, WAL), mix(random, wal, walNow));
      await verify(cut, durable, states)
        .catch((cause) => {
          throw new Error(`Seed ${seed}, round ${round}`, { cause });
        });
      if (randomBetween(random, 0, 3) > 0) continue;
      await checkpoint(store);
      await ready(store);
      durable = round;
      // A cut while the file was written: the whole WAL was durable before.
      const middle = join(root, `middle-${round}`);
      copyFiles(dir, middle);
      const dataNow = fs.readFileSync(join(dir, DATA));
      fs.writeFileSync(join(middle, WAL), walNow);
      fs.writeFileSync(join(middle, DATA), mix(random, data, dataNow));
      await verify(middle, durable, states)
        .catch((cause) => {
          throw new Error(`Seed ${seed}, checkpoint ${round}`, { cause });
        });
      data = dataNow;
      wal = fs.readFileSync(join(dir, WAL));
    }
    await closeStore(store);
  });
});
