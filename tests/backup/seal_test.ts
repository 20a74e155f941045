import assert from "node:assert/strict";
import { HiqliteError } from "../../src/errors.ts";
import { KeyRing } from "../../src/backup/key_ring.ts";
import {
  keyIdOf,
  openStream,
  sealedBytes,
  sealStream,
} from "../../src/backup/seal.ts";
import { collected, randomBytes } from "./bytes.ts";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";

const KEY = new Uint8Array(32).fill(7);
const RING = new KeyRing([{ id: "k1_test", key: KEY }], "k1_test");
const CHUNK = 128 * 1024;
/** Header, one chunk's bytes and tag. */
const SEALED_CHUNK = CHUNK + 16;
const HEADER = 6 + 7 + 7;

/** Passes bytes on in pieces of the given sizes, in turn. */
function inPieces(
  bytes: Uint8Array,
  pieces: readonly number[] = [65_536],
): ReadableStream<Uint8Array> {
  let at = 0;
  let count = 0;
  return new ReadableStream({
    pull(controller) {
      if (at >= bytes.length) return controller.close();
      const piece = pieces[count++ % pieces.length]!;
      controller.enqueue(bytes.slice(at, at + piece));
      at += piece;
    },
  });
}

function collect(
  bytes: Uint8Array,
  through: TransformStream<Uint8Array, Uint8Array>,
  pieces?: readonly number[],
): Promise<Uint8Array> {
  return collected(inPieces(bytes, pieces).pipeThrough(through));
}

const seal = (bytes: Uint8Array, ring = RING, purpose?: string) =>
  collect(bytes, sealStream(ring, purpose));
const open = (bytes: Uint8Array, ring = RING, purpose?: string) =>
  collect(bytes, openStream(ring, purpose));

async function refused(
  bytes: Uint8Array,
  message: RegExp,
  what: string,
): Promise<void> {
  await assert.rejects(open(bytes), (error) => {
    assert(error instanceof HiqliteError, `${what}: ${error}`);
    assert.equal(error.code, "storage", what);
    assert.match(error.message, message, what);
    return true;
  }, what);
}

Deno.test("openStream() opens what cryptr sealed", async () => {
  const sealed = Uint8Array.fromBase64(
    "AQEADQCAazFfdGVzdLz6/8J82h+bF/KYVRUbKMeF9cjgd89IS9JFT3UzTFdz+yQOvg==",
  );
  assert.equal(new TextDecoder().decode(await open(sealed)), "hello hiqlite");
  assert.equal(keyIdOf(sealed), "k1_test");
});

Deno.test("sealStream() writes cryptr's header, and chunks of 128 KiB however the bytes come", async () => {
  const plain = randomBytes(2 * CHUNK + 5, 1);
  for (const pieces of [[1, 7, 131_071], [CHUNK], [plain.length]]) {
    const sealed = await collect(plain, sealStream(RING), pieces);
    assert.deepEqual([...sealed.subarray(0, 6)], [1, 1, 0, 13, 0, 128]);
    assert.equal(
      new TextDecoder().decode(sealed.subarray(6, 13)),
      "k1_test",
    );
    assert.equal(sealed.length, HEADER + 2 * SEALED_CHUNK + 5 + 16);
    for (const back of [[1], [13, 4, 3, SEALED_CHUNK], [sealed.length]]) {
      if (back[0] === 1 && pieces.length > 1) continue;
      assert.deepEqual(
        await collect(sealed, openStream(RING), back),
        plain,
      );
    }
  }
});

Deno.test("what was sealed comes back, at every edge of a chunk", async () => {
  for (
    const length of [
      0,
      1,
      100,
      CHUNK - 1,
      CHUNK,
      CHUNK + 1,
      2 * CHUNK,
      1_000_005,
    ]
  ) {
    const plain = randomBytes(length, length + 1);
    const sealed = await seal(plain);
    assert.equal(sealed.length, sealedBytes(length, "k1_test"), `${length}`);
    assert.deepEqual(await open(sealed), plain, `${length}`);
  }
});

Deno.test("two streams of the same bytes have nothing but the header in common", async () => {
  const plain = randomBytes(64, 3);
  const [a, b] = [await seal(plain), await seal(plain)];
  assert.notDeepEqual(a.subarray(13), b.subarray(13));
  assert.notDeepEqual(a.subarray(HEADER), b.subarray(HEADER));
});

Deno.test("openStream() refuses a header that is none", async () => {
  const sealed = await seal(randomBytes(100, 4));
  const changed = (at: number, value: number) => {
    const bytes = sealed.slice();
    bytes[at] = value;
    return bytes;
  };
  const begins = /does not begin as what is sealed does/;
  await refused(changed(0, 2), begins, "version");
  await refused(changed(1, 2), begins, "algorithm");
  await refused(changed(3, 27), begins, "an id of 21");
  await refused(changed(3, 7), /names no key/, "an id of 1");
  await refused(changed(3, 5), /names no key/, "shorter than its fields");
  await refused(changed(6, 0x20), /names no key/, "a space in the id");
  await refused(changed(5, 0), /0 KiB/, "the form in memory");
  await refused(changed(4, 4), /1152 KiB, which is not 1 to 1024/, "too large");
  await refused(new TextEncoder().encode("SQLite format 3\0"), begins, "plain");
  for (const length of [0, 1, 5, 6, 12, HEADER - 1]) {
    await refused(
      sealed.slice(0, length),
      /ends within its header/,
      `${length}`,
    );
  }
  for (const length of [HEADER, HEADER + 15]) {
    await refused(sealed.slice(0, length), /end is missing/, `${length}`);
  }
});

Deno.test("openStream() says which key is missing, and shows none", async () => {
  const other = new KeyRing([{ id: "k2", key: KEY }], "k2");
  const sealed = await seal(randomBytes(10, 5), other);
  await assert.rejects(open(sealed), (error: Error) => {
    assert.match(error.message, /key k2, which is not in ENC_KEYS \(k1_test\)/);
    assert(!error.message.includes(KEY.toBase64()));
    return true;
  });
});

Deno.test("openStream() opens with any key of the ring; one id with another key opens nothing", async () => {
  const other = { id: "k2", key: randomBytes(32, 6) };
  const ring = new KeyRing([{ id: "k1_test", key: KEY }, other], "k2");
  const plain = randomBytes(10, 7);
  assert.deepEqual(await open(await seal(plain), ring), plain);
  const sealed = await seal(plain, ring);
  assert.equal(keyIdOf(sealed), "k2");
  assert.deepEqual(await open(sealed, ring), plain);
  const impostor = new KeyRing([{ id: "k2", key: KEY }], "k2");
  await assert.rejects(open(sealed, impostor), /is not what was sealed/);
});

Deno.test("what is sealed for one purpose opens for no other", async () => {
  const plain = randomBytes(10, 8);
  const sealed = await seal(plain, RING, "segment a");
  assert.deepEqual(await open(sealed, RING, "segment a"), plain);
  await assert.rejects(open(sealed, RING, "segment b"), /not what was sealed/);
  await assert.rejects(open(sealed), /not what was sealed/);
});

Deno.test("openStream() refuses chunks that are missing, in another order, twice, or too much", async () => {
  const plain = randomBytes(3 * CHUNK, 9);
  const sealed = await seal(plain);
  const [a, b, c] = [0, 1, 2].map((number) =>
    sealed.slice(
      HEADER + number * SEALED_CHUNK,
      HEADER + (number + 1) * SEALED_CHUNK,
    )
  );
  const head = sealed.slice(0, HEADER);
  const of = (...parts: Uint8Array[]) =>
    new Blob(parts as BlobPart[]).arrayBuffer().then((all) =>
      new Uint8Array(all)
    );
  assert.deepEqual(await open(await of(head, a!, b!, c!)), plain);
  const wrong = /not what was sealed|end is missing/;
  await refused(await of(head, a!, b!), wrong, "the last one cut");
  await refused(await of(head, a!, c!), wrong, "one in the middle");
  await refused(await of(head, b!, c!), wrong, "the first one");
  await refused(await of(head, b!, a!, c!), wrong, "swapped");
  await refused(await of(head, a!, a!, b!, c!), wrong, "one twice");
  await refused(await of(head, a!, b!, c!, c!), wrong, "the last one twice");
  await refused(await of(head, a!, b!, c!, Uint8Array.of(0)), wrong, "a byte");
  await refused(await of(head), /end is missing/, "none");
  const other = await seal(plain);
  const foreign = other.slice(HEADER + SEALED_CHUNK, HEADER + 2 * SEALED_CHUNK);
  await refused(await of(head, a!, foreign, c!), wrong, "another stream's");
});

Deno.test("a source that fails leaves nothing that opens", async () => {
  const parts: Uint8Array[] = [];
  const source = new ReadableStream<Uint8Array>({
    start(controller) {
      controller.enqueue(randomBytes(CHUNK + 10, 10));
    },
    pull(controller) {
      controller.error(new Error("the disk failed"));
    },
  });
  await assert.rejects(async () => {
    for await (const part of source.pipeThrough(sealStream(RING))) {
      parts.push(part);
    }
  }, /the disk failed/);
  const cut = new Uint8Array(await new Blob(parts as BlobPart[]).arrayBuffer());
  await assert.rejects(open(cut), HiqliteError);
});

/** One piece of damage. */
function damage(sealed: Uint8Array, random: SeededRandom): Uint8Array {
  const at = randomBetween(random, 0, sealed.length);
  switch (randomBetween(random, 0, 4)) {
    case 0: {
      const flipped = sealed.slice();
      flipped[at]! ^= 1 << randomBetween(random, 0, 8);
      return flipped;
    }
    case 1:
      return sealed.slice(0, at);
    case 2: {
      const longer = new Uint8Array(sealed.length + 1);
      longer.set(sealed.subarray(0, at));
      longer.set(sealed.subarray(at), at + 1);
      // Never the byte that stands there: then the damage is in another place.
      longer[at] = sealed[at]! ^ 0xff;
      return longer;
    }
    default: {
      const length = randomBetween(random, 1, 40);
      const shorter = new Uint8Array(Math.max(0, sealed.length - length));
      const from = Math.min(at, shorter.length);
      shorter.set(sealed.subarray(0, from));
      shorter.set(sealed.subarray(from + length), from);
      return shorter;
    }
  }
}

Deno.test("no damage gives other bytes, and none but that of an unused size opens: 1,500 random ones", async () => {
  const seed = Number(Deno.env.get("HQL_TEST_SEED") ?? Date.now() % 1e9);
  const random = new SeededRandom(seed);
  for (let round = 0; round < 1500; round++) {
    const most = round % 100 === 0 ? 3 * CHUNK : 900;
    const plain = randomBytes(randomBetween(random, 0, most), seed + round);
    const sealed = await seal(plain);
    const broken = damage(sealed, random);
    const where = `seed ${seed}, round ${round}`;
    let opened: Uint8Array;
    try {
      opened = await open(broken);
    } catch (error) {
      assert(error instanceof HiqliteError, `${where}: ${error}`);
      assert.equal(error.code, "storage", where);
      continue;
    }
    // The size of chunks means nothing where there is one, and is not under its tag.
    assert.deepEqual(opened, plain, where);
    assert(plain.length <= CHUNK, where);
    broken.set(sealed.subarray(4, 6), 4);
    assert.deepEqual(broken, sealed, where);
  }
});
