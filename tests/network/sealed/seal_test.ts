import assert from "node:assert/strict";
import { createCipheriv } from "node:crypto";
import fc from "fast-check";
import { MalformedBytesError } from "../../../src/util/bytes.ts";
import {
  BrokenSealError,
  Opener,
  RECORD_LENGTH_BYTES,
  Sealer,
} from "../../../src/network/sealed/seal.ts";
import {
  loadSodium,
  SODIUM_BYTES_MAX,
  TAG_BYTES,
} from "../../../src/network/sealed/sodium.ts";

const SODIUM = await loadSodium();
const KEY = Uint8Array.from({ length: 32 }, (_, i) => 0x80 + i);
const text = (words: string): Uint8Array => new TextEncoder().encode(words);

/** A record without its length. */
function sealed(sealer: Sealer, plain: Uint8Array): Uint8Array {
  return sealer.seal(plain).slice(RECORD_LENGTH_BYTES);
}

Deno.test("the runtime's ChaCha20-Poly1305 is that of RFC 8439 §2.8.2", () => {
  const nonce = Uint8Array.fromHex("070000004041424344454647");
  const cipher = createCipheriv("chacha20-poly1305", KEY, nonce, {
    authTagLength: TAG_BYTES,
  });
  const plain = text(
    "Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, sunscreen would be it.",
  );
  const data = Uint8Array.fromHex("50515253c0c1c2c3c4c5c6c7");
  cipher.setAAD(data, { plaintextLength: plain.length });
  assert.equal(
    cipher.update(plain).toString("hex"),
    "d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6" +
      "3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36" +
      "92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc" +
      "3ff4def08e4b7a9de576d26586cec64b6116",
  );
  cipher.final();
  assert.equal(
    cipher.getAuthTag().toString("hex"),
    "1ae10b594f09e26a7e902ecbd0600691",
  );
});

/** Bytes of RFC 8439 by the runtime's cipher. */
function byRuntime(
  key: Uint8Array,
  nonce: Uint8Array,
  plain: Uint8Array,
): Uint8Array {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, {
    authTagLength: TAG_BYTES,
  });
  const body = cipher.update(plain);
  cipher.final();
  return Uint8Array.of(...body, ...cipher.getAuthTag());
}

Deno.test("libsodium's ChaCha20-Poly1305 is the runtime's, for every key, nonce and length that it is used for", () => {
  const bytes = (length: number) =>
    fc.uint8Array({ minLength: length, maxLength: length });
  const plain = fc.nat(SODIUM_BYTES_MAX).chain(bytes);
  fc.assert(
    fc.property(bytes(32), bytes(12), plain, (key, nonce, plain) => {
      const sealed = new Uint8Array(plain.length + TAG_BYTES);
      SODIUM.seal(key, nonce, plain, sealed, 0);
      assert.deepEqual(sealed, byRuntime(key, nonce, plain));
      assert.deepEqual(SODIUM.open(key, nonce, sealed), plain);
    }),
    { numRuns: 100, examples: LENGTHS.map(ofLength) },
  );
});

/** Around the blocks of both algorithms, and the longest. */
const LENGTHS = [0, 1, 15, 16, 17, 63, 64, 65, SODIUM_BYTES_MAX];

function ofLength(length: number): [Uint8Array, Uint8Array, Uint8Array] {
  return [KEY, new Uint8Array(12), new Uint8Array(length).fill(length)];
}

Deno.test("libsodium is given nothing that does not fit its memory", () => {
  const [key, nonce, longer] = ofLength(SODIUM_BYTES_MAX + 1);
  const into = new Uint8Array(2 * SODIUM_BYTES_MAX);
  assert.throws(() => SODIUM.seal(key, nonce, longer, into, 0), /fits/);
  assert.throws(() => SODIUM.open(key, nonce, into), /fits/);
  assert.throws(
    () => SODIUM.seal(key.subarray(1), nonce, into.subarray(0, 1), into, 0),
    /fits/,
  );
});

Deno.test("a record is its length, the sealed text and the tag, under a nonce that counts", () => {
  const sealer = new Sealer(KEY, SODIUM);
  const plains = ["one", "", "three"].map(text);
  for (const over of [0, 1, 70_000]) {
    plains.push(new Uint8Array(SODIUM_BYTES_MAX + over).fill(over));
  }
  for (const [count, plain] of plains.entries()) {
    const nonce = new Uint8Array(12);
    nonce[4] = count;
    const length = new Uint8Array(RECORD_LENGTH_BYTES);
    new DataView(length.buffer).setUint32(0, plain.length + TAG_BYTES, true);
    assert.deepEqual(
      sealer.seal(plain).slice(),
      Uint8Array.of(...length, ...byRuntime(KEY, nonce, plain)),
    );
  }
});

Deno.test("the first two records of a key are for ever these", () => {
  const sealer = new Sealer(KEY, SODIUM);
  assert.deepEqual(
    [text("a first record"), text("another")].map((plain) =>
      sealer.seal(plain).toHex()
    ),
    FROZEN,
  );
});

/** Computed by this code in its first release, and by Python's cryptography package. */
const FROZEN = [
  "1e0000004b7c7cc44c299aebbf544690d6b94704aa4d653fc1385bdca3a80c460527",
  "17000000827f1b79161a55a50a6f5c0fbce12694e8f4613666f085",
];

Deno.test("what one side seals the other opens, whatever it is, in its order", () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 9000 })), (plains) => {
      const sealer = new Sealer(KEY, SODIUM);
      const opener = new Opener(KEY, SODIUM);
      for (const plain of plains) {
        assert.deepEqual(
          Uint8Array.from(opener.open(sealed(sealer, plain))),
          plain,
        );
      }
    }),
    { numRuns: 100 },
  );
});

Deno.test("a record is opened once and in its turn", () => {
  const records = (): Uint8Array[] => {
    const sealer = new Sealer(KEY, SODIUM);
    return ["one", "two", "three"].map((words) => sealed(sealer, text(words)));
  };
  const [one, two, three] = records() as [Uint8Array, Uint8Array, Uint8Array];
  for (
    const order of [[one, one], [two], [one, three], [one, two, one], [three]]
  ) {
    const opener = new Opener(KEY, SODIUM);
    const last = order.pop()!;
    for (const record of order) opener.open(record);
    assert.throws(() => opener.open(last), BrokenSealError);
  }
});

Deno.test("a changed bit anywhere, another key and a record that is cut or longer break the seal", () => {
  const opens = (bytes: Uint8Array, key = KEY): Uint8Array =>
    new Opener(key, SODIUM).open(bytes);
  const other = KEY.slice();
  other[31]! ^= 1;
  for (const length of [8, SODIUM_BYTES_MAX, SODIUM_BYTES_MAX + 1]) {
    const plain = new Uint8Array(length).fill(7);
    const record = sealed(new Sealer(KEY, SODIUM), plain);
    assert.deepEqual(Uint8Array.from(opens(record)), plain);
    // Every bit of a short one, some of every part of a long one.
    const step = length < 100 ? 1 : 61;
    for (let bit = 0; bit < record.length * 8; bit += step) {
      const damaged = record.slice();
      damaged[bit >> 3]! ^= 1 << (bit & 7);
      assert.throws(() => opens(damaged), BrokenSealError, `bit ${bit}`);
    }
    assert.throws(() => opens(record, other), BrokenSealError);
    assert.throws(() => opens(record.subarray(0, -1)), BrokenSealError);
    assert.throws(() => opens(Uint8Array.of(...record, 0)), BrokenSealError);
    assert.throws(
      () => opens(record.subarray(0, TAG_BYTES - 1)),
      MalformedBytesError,
    );
  }
});
