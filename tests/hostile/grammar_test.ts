import assert from "node:assert/strict";
import { SeededRandom } from "../../src/util/random.ts";
import { drawScript, PRODUCTIONS } from "./grammar.ts";
import { bytesSent, lastsMs, type Script } from "./script.ts";

/** A client of this bounds ends by itself within a minute. */
const LASTS_MS_MAX = 60_000;
const BYTES_MAX = 8 * 1024 * 1024;

function drawn(seed: number, count: number): Script[] {
  const random = new SeededRandom(seed);
  return Array.from({ length: count }, () => drawScript(random));
}

Deno.test("the same seed draws the same hostile clients, and other seeds others", () => {
  assert.deepEqual(drawn(1, 20), drawn(1, 20));
  assert.notDeepEqual(drawn(1, 20), drawn(2, 20));
});

Deno.test("every kind of hostile client comes, to both ports, from several addresses, and all of them are bounded", () => {
  const all = drawn(3, 500);
  assert.deepEqual(
    [...new Set(all.map(({ name }) => name))].sort(),
    Object.keys(PRODUCTIONS).sort(),
  );
  assert.deepEqual([...new Set(all.map(({ port }) => port))].sort(), [
    "api",
    "raft",
  ]);
  assert.ok(new Set(all.map(({ from }) => from)).size > 1);
  const sealed = all.filter(({ sealed }) => sealed);
  assert.ok(sealed.length > 0 && sealed.length < all.length);
  // What TLS is made of goes below it.
  assert.ok(sealed.every(({ name }) => !name.startsWith("tls")));
  for (const script of all) {
    assert.ok(bytesSent(script) <= BYTES_MAX, script.name);
    assert.ok(lastsMs(script) <= LASTS_MS_MAX, script.name);
  }
});

Deno.test("a kind that there is not is refused by its name", () => {
  assert.throws(
    () => drawScript(new SeededRandom(1), ["plague"]),
    /no kind "plague", there are halfOpen/,
  );
});
