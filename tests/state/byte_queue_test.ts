import assert from "node:assert/strict";
import * as v8 from "node:v8";
import { runInNewContext } from "node:vm";
import { ByteQueue } from "../../src/state/byte_queue.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";

v8.setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

function externalBytes(): number {
  collect();
  return Deno.memoryUsage().external;
}

Deno.test("bytes come back as they were appended, wherever pages begin, until they are given back", () => {
  const random = new SeededRandom(1);
  const int = (low: number, high: number) => randomBetween(random, low, high);
  const queue = new ByteQueue();
  const pieces: { readonly start: number; readonly bytes: Uint8Array }[] = [];
  for (let i = 0; i < 1000; i++) {
    const length = i % 20 === 0 ? int(60_000, 140_000) : int(0, 300);
    const start = queue.end;
    const bytes = new Uint8Array(length).fill(i);
    pieces.push({ start, bytes });
    queue.append(bytes);
    assert.equal(queue.end, start + length);
    if (pieces.length > int(1, 60)) pieces.splice(0, int(1, pieces.length));
    queue.release(pieces[0]!.start);
    assert.equal(queue.start, pieces[0]!.start);
    for (const { start, bytes } of pieces) {
      assert.deepEqual(queue.slice(start, start + bytes.length), bytes);
    }
  }
});

Deno.test("what is given back, or cleared, takes no memory any more", () => {
  const queue = new ByteQueue();
  const piece = new Uint8Array(100_000);
  const before = externalBytes();
  const grownMib = () => (externalBytes() - before) / 2 ** 20;
  for (let i = 0; i < 300; i++) {
    queue.append(piece);
    queue.release(queue.end);
  }
  assert.ok(grownMib() < 1, `${grownMib()} MiB`);
  for (let i = 0; i < 300; i++) queue.append(piece);
  assert.ok(grownMib() > 28, `${grownMib()} MiB`);
  queue.clear();
  assert.ok(grownMib() < 1, `${grownMib()} MiB`);
  assert.equal(queue.end, 0);
});
