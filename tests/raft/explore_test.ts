import assert from "node:assert/strict";
import { explore, wander } from "./explore/search.ts";
import { describe } from "./explore/survey.ts";
import type { Bounds } from "./explore/world.ts";

const NONE: Bounds = {
  voters: 3,
  terms: 1,
  proposals: 0,
  crashes: 0,
  heartbeats: 0,
  reads: 0,
  slowDisks: false,
};

/** Explored to the end, whatever the machine's speed; seconds each. */
const COMPLETE: readonly Partial<Bounds>[] = [
  { proposals: 1, crashes: 1 },
  { crashes: 1, slowDisks: true },
  { reads: 1 },
  { voters: 2, terms: 2, proposals: 1, crashes: 1 },
];

/** A few seconds. */
const WAYS = 300;

/** Too many states for a test. */
const PARTIAL: readonly Partial<Bounds>[] = [
  { terms: 2, proposals: 1, crashes: 1, slowDisks: true },
  { terms: 3, proposals: 1, crashes: 1, heartbeats: 1, reads: 1 },
];

for (const some of COMPLETE) {
  const bounds = { ...NONE, ...some };
  Deno.test(`every reachable state is safe: ${JSON.stringify(some)}`, () => {
    const found = explore(bounds, 600_000);
    print(describe(bounds, found));
    assert.ok(found.complete, "stopped by the clock");
    assert.ok(found.committed > 0 && found.leaders > 0, "something happened");
  });
}

for (const some of PARTIAL) {
  const bounds = { ...NONE, ...some };
  Deno.test(`no state on random ways is unsafe: ${JSON.stringify(some)}`, () => {
    const first = Math.floor(Math.random() * 2 ** 32);
    let changed = false;
    // From one seed in 25 no way leads to a second leader.
    for (let seed = first; !changed && seed < first + 5; seed++) {
      print(`seed ${seed}: `);
      const found = wander(bounds, seed, { ways: WAYS });
      print(describe(bounds, found));
      changed = found.leaders > 1 && found.committed > 0;
    }
    assert.ok(changed, "leaders changed");
  });
}

function print(line: string): void {
  Deno.stdout.writeSync(new TextEncoder().encode(line));
}
