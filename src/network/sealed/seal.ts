import { createCipheriv, createDecipheriv } from "node:crypto";
import { MalformedBytesError } from "../../util/bytes.ts";
import {
  NONCE_BYTES,
  type Sodium,
  SODIUM_BYTES_MAX,
  TAG_BYTES,
} from "./sodium.ts";

const ALGORITHM = "chacha20-poly1305";

/** Bytes of the length before a record. */
export const RECORD_LENGTH_BYTES = 4;

/** A record that is not the next one of the other side: changed, inserted, repeated, or one before it is missing. */
export class BrokenSealError extends Error {
  override readonly name = "BrokenSealError";
}

/** The nonces of one direction: 4 zero bytes and a counter (u64, little-endian), so that none is used twice under a key. */
class Nonces {
  readonly #bytes = new Uint8Array(NONCE_BYTES);
  readonly #view = new DataView(this.#bytes.buffer);
  #count = 0n;

  next(): Uint8Array {
    this.#view.setBigUint64(4, this.#count++, true);
    return this.#bytes;
  }
}

/** Seals records of one direction with ChaCha20-Poly1305 (RFC 8439). */
export class Sealer {
  readonly #key: Uint8Array;
  readonly #sodium: Sodium;
  readonly #nonces = new Nonces();
  #wire = new Uint8Array(4096);

  /** Never make two for one key: they would use the same nonces. */
  constructor(key: Uint8Array, sodium: Sodium) {
    this.#key = key;
    this.#sodium = sodium;
  }

  /** A record with its length before it; valid until the next call. */
  seal(plain: Uint8Array): Uint8Array {
    const { length } = plain;
    const sealed = length + TAG_BYTES;
    const wire = this.#room(RECORD_LENGTH_BYTES + sealed);
    new DataView(wire.buffer).setUint32(0, sealed, true);
    const nonce = this.#nonces.next();
    if (length <= SODIUM_BYTES_MAX) {
      this.#sodium.seal(this.#key, nonce, plain, wire, RECORD_LENGTH_BYTES);
    } else {
      sealLong(this.#key, nonce, plain, wire);
    }
    return wire.subarray(0, RECORD_LENGTH_BYTES + sealed);
  }

  #room(bytes: number): Uint8Array<ArrayBuffer> {
    if (this.#wire.length < bytes) this.#wire = new Uint8Array(bytes);
    return this.#wire;
  }
}

/** Opens records of one direction in their order. */
export class Opener {
  readonly #key: Uint8Array;
  readonly #sodium: Sodium;
  readonly #nonces = new Nonces();

  /** The key of the side that seals. */
  constructor(key: Uint8Array, sodium: Sodium) {
    this.#key = key;
    this.#sodium = sodium;
  }

  /**
   * What is in the next record, in memory of its own.
   * @throws {MalformedBytesError} if it is shorter than a seal.
   * @throws {BrokenSealError} if it is not the next record of the other side. Use the connection no more.
   */
  open(record: Uint8Array): Uint8Array {
    const length = record.length - TAG_BYTES;
    if (length < 0) {
      throw new MalformedBytesError(
        `a record has at least ${TAG_BYTES} bytes, found ${record.length}`,
      );
    }
    const nonce = this.#nonces.next();
    const plain = length <= SODIUM_BYTES_MAX
      ? this.#sodium.open(this.#key, nonce, record)
      : openLong(this.#key, nonce, record);
    if (plain !== null) return plain;
    throw new BrokenSealError(
      "a record was changed, inserted, repeated or lost on the way",
    );
  }
}

function sealLong(
  key: Uint8Array,
  nonce: Uint8Array,
  plain: Uint8Array,
  wire: Uint8Array,
): void {
  const cipher = createCipheriv(ALGORITHM, key, nonce, {
    authTagLength: TAG_BYTES,
  });
  wire.set(cipher.update(plain), RECORD_LENGTH_BYTES);
  cipher.final();
  wire.set(cipher.getAuthTag(), RECORD_LENGTH_BYTES + plain.length);
}

/** Null if it is not what was sealed. */
function openLong(
  key: Uint8Array,
  nonce: Uint8Array,
  record: Uint8Array,
): Uint8Array | null {
  const length = record.length - TAG_BYTES;
  const decipher = createDecipheriv(ALGORITHM, key, nonce, {
    authTagLength: TAG_BYTES,
  });
  decipher.setAuthTag(record.subarray(length));
  const plain = decipher.update(record.subarray(0, length));
  try {
    decipher.final();
    return plain;
  } catch {
    return null;
  }
}
