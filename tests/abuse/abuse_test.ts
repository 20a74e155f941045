import assert from "node:assert/strict";
import { SeededRandom } from "../../src/util/random.ts";
import { kindNamed, KINDS } from "./all.ts";
import { isClean, runAbuse } from "./run.ts";
import { drawDisk, drawFull, drawMemory, drawPanic, drawTime } from "./sql.ts";

Deno.test("strangers who know no secret, and bodies that cost much, hurt nobody", async () => {
  const seed = Date.now() % 1_000_000;
  const report = await runAbuse({
    seed,
    seconds: 10,
    kinds: ["sockets", "bodies", "frames"],
    workloads: ["register", "set"],
    signal: new AbortController().signal,
    say: () => {},
  });
  assert(isClean(report), `seed ${seed}: ${JSON.stringify(report, null, 2)}`);
  assert(report.honest.ok > 50, `only ${report.honest.ok} honest operations`);
});

Deno.test("the same seed draws the same statements, and other seeds others", () => {
  for (const draw of [drawTime, drawMemory, drawPanic, drawDisk, drawFull]) {
    const many = (seed: number): string[] => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 20 }, () => draw(random));
    };
    assert.deepEqual(many(1), many(1));
    assert.notDeepEqual(many(1), many(2));
  }
});

Deno.test("a kind of poison that there is not is refused by its name", () => {
  assert.throws(() => kindNamed("plague"), /no kind "plague", there are time/);
  assert.equal(kindNamed("time"), KINDS.time);
});
