import {
  createCipheriv,
  createDecipheriv,
  randomBytes as drawBytes,
} from "node:crypto";
import { HiqliteError } from "../errors.ts";
import { isKeyId, type KeyRing } from "./key_ring.ts";

const VERSION = 1;
/** ChaCha20-Poly1305. */
const ALGORITHM = 1;
/** Version, algorithm, the length up to the nonce, the chunks' size. */
const FIXED_BYTES = 6;
const NONCE_BYTES = 7;
const TAG_BYTES = 16;
const CIPHER = "chacha20-poly1305";
/** As cryptr makes them. */
const CHUNK_KIB = 128;
/** Larger ones would be held in memory, since they are opened as a whole. */
const CHUNK_KIB_MAX = 1024;
/** The longest header, with its nonce. */
export const HEADER_BYTES_MAX = FIXED_BYTES + 20 + NONCE_BYTES;

interface Header {
  readonly keyId: string;
  readonly chunkBytes: number;
  readonly nonce: Uint8Array;
  /** Bytes of all of it. */
  readonly length: number;
}

/**
 * Seals what goes through, in the format of the Rust crate cryptr: a header
 * with the key's id, then chunks of 128 KiB, each with a tag; the last one is
 * marked, so that nothing can be cut off. `purpose`: see {@linkcode KeyRing.keyOf}.
 */
export function sealStream(
  ring: KeyRing,
  purpose?: string,
): TransformStream<Uint8Array, Uint8Array> {
  const nonce = new Uint8Array(drawBytes(NONCE_BYTES));
  const chunks = new ChunkBuffer(CHUNK_KIB * 1024);
  const cipher = new ChunkCipher(
    ring.keyOf(ring.active, purpose)!,
    nonce,
    ring.active,
  );
  return new TransformStream({
    start(controller) {
      controller.enqueue(encodeHeader(ring.active, nonce));
    },
    transform(bytes, controller) {
      chunks.push(
        bytes,
        (chunk) => controller.enqueue(cipher.seal(chunk, false)),
      );
    },
    flush(controller) {
      controller.enqueue(cipher.seal(chunks.rest(), true));
    },
  });
}

/**
 * Opens what was sealed, by this or by cryptr. Nothing comes out that was not
 * verified; but that the end is missing is known only at the end.
 *
 * The stream fails with `storage`: the header is none, no key of that id is in
 * the ring, or something is damaged, in another order, missing, or too much.
 * Its error begins with `name`, if there is one.
 */
export function openStream(
  ring: KeyRing,
  purpose?: string,
  name?: string,
): TransformStream<Uint8Array, Uint8Array> {
  let header = new Uint8Array(0);
  let body: { chunks: ChunkBuffer; cipher: ChunkCipher } | undefined;
  const push = (
    bytes: Uint8Array,
    controller: TransformStreamDefaultController<Uint8Array>,
  ): void => {
    const { chunks, cipher } = body!;
    chunks.push(
      bytes,
      (chunk) => controller.enqueue(cipher.open(chunk, false)),
    );
  };
  return new TransformStream(naming(name, {
    transform(bytes, controller) {
      if (body !== undefined) return push(bytes, controller);
      header = joined(header, bytes);
      const found = decodeHeader(header);
      if (found === undefined) return;
      const key = ring.keyOf(found.keyId, purpose);
      if (key === undefined) throw missingKey(found.keyId, ring);
      body = {
        chunks: new ChunkBuffer(found.chunkBytes + TAG_BYTES),
        cipher: new ChunkCipher(key, found.nonce, found.keyId),
      };
      push(header.subarray(found.length), controller);
    },
    flush(controller) {
      if (body === undefined) throw damaged("it ends within its header");
      const rest = body.chunks.rest();
      if (rest.length < TAG_BYTES) throw damaged("its end is missing");
      controller.enqueue(body.cipher.open(rest, true));
    },
  }));
}

/** The same, with `name` before what its errors say. */
function naming(
  name: string | undefined,
  { transform, flush }: Required<
    Pick<Transformer<Uint8Array, Uint8Array>, "transform" | "flush">
  >,
): Transformer<Uint8Array, Uint8Array> {
  const named = (work: () => void): void => {
    try {
      work();
    } catch (error) {
      if (name === undefined || !(error instanceof HiqliteError)) throw error;
      throw new HiqliteError(error.code, `${name}: ${error.message}`, {
        cause: error,
      });
    }
  };
  return {
    transform: (bytes, controller) =>
      named(() => void transform(bytes, controller)),
    flush: (controller) => named(() => void flush(controller)),
  };
}

/** The id of the key that something is sealed with, by its first bytes; null if it is not sealed. */
export function keyIdOf(first: Uint8Array): string | null {
  try {
    return decodeHeader(first)?.keyId ?? null;
  } catch {
    return null;
  }
}

/** How many bytes `plainBytes` take once they are sealed with a key of that id. */
export function sealedBytes(plainBytes: number, keyId: string): number {
  const chunks = Math.max(1, Math.ceil(plainBytes / (CHUNK_KIB * 1024)));
  return FIXED_BYTES + keyId.length + NONCE_BYTES + plainBytes +
    chunks * TAG_BYTES;
}

/** Collects bytes to chunks of one size; the last one stays until it is known that something follows. */
class ChunkBuffer {
  readonly #bytes: Uint8Array;
  #length = 0;

  constructor(chunkBytes: number) {
    this.#bytes = new Uint8Array(chunkBytes);
  }

  /** Calls `full` with each chunk that something follows; it is valid only during the call. */
  push(bytes: Uint8Array, full: (chunk: Uint8Array) => void): void {
    let at = 0;
    while (at < bytes.length) {
      if (this.#length === this.#bytes.length) {
        full(this.#bytes);
        this.#length = 0;
      }
      const part = bytes.subarray(
        at,
        at + this.#bytes.length - this.#length,
      );
      this.#bytes.set(part, this.#length);
      this.#length += part.length;
      at += part.length;
    }
  }

  /** What is left at the end: a chunk or less, or nothing if there never was anything. */
  rest(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }
}

/** Each chunk has a nonce of its own: seven bytes of the stream's, its number, whether it is the last. */
class ChunkCipher {
  readonly #key: Uint8Array;
  readonly #keyId: string;
  readonly #nonce = new Uint8Array(NONCE_BYTES + 5);
  readonly #view = new DataView(this.#nonce.buffer);
  #count = 0;

  constructor(key: Uint8Array, nonce: Uint8Array, keyId: string) {
    this.#key = key;
    this.#keyId = keyId;
    this.#nonce.set(nonce);
  }

  seal(chunk: Uint8Array, last: boolean): Uint8Array {
    const cipher = createCipheriv(CIPHER, this.#key, this.#next(last), {
      authTagLength: TAG_BYTES,
    });
    const sealed = new Uint8Array(chunk.length + TAG_BYTES);
    sealed.set(cipher.update(chunk));
    cipher.final();
    sealed.set(cipher.getAuthTag(), chunk.length);
    return sealed;
  }

  open(sealed: Uint8Array, last: boolean): Uint8Array {
    const number = this.#count;
    const cipher = createDecipheriv(CIPHER, this.#key, this.#next(last), {
      authTagLength: TAG_BYTES,
    });
    const end = sealed.length - TAG_BYTES;
    cipher.setAuthTag(sealed.subarray(end));
    const plain = new Uint8Array(cipher.update(sealed.subarray(0, end)));
    try {
      cipher.final();
    } catch {
      throw damaged(
        `chunk ${number} is not what was sealed, or not in its place${
          last ? ", or the end is missing" : ""
        }${
          number > 0
            ? ""
            : `, or the key ${this.#keyId} of ENC_KEYS is another than the one of that id that sealed it`
        }`,
      );
    }
    return plain;
  }

  #next(last: boolean): Uint8Array {
    // After that the nonces would begin anew.
    if (this.#count === 2 ** 32) throw damaged("it has too many chunks");
    this.#view.setUint32(NONCE_BYTES, this.#count++);
    this.#nonce[NONCE_BYTES + 4] = last ? 1 : 0;
    return this.#nonce;
  }
}

function encodeHeader(keyId: string, nonce: Uint8Array): Uint8Array {
  const id = new TextEncoder().encode(keyId);
  const bytes = new Uint8Array(FIXED_BYTES + id.length + NONCE_BYTES);
  const view = new DataView(bytes.buffer);
  bytes.set([VERSION, ALGORITHM]);
  view.setUint16(2, FIXED_BYTES + id.length);
  view.setUint16(4, CHUNK_KIB);
  bytes.set(id, FIXED_BYTES);
  bytes.set(nonce, FIXED_BYTES + id.length);
  return bytes;
}

/** Reads a header; undefined if more bytes are needed. */
function decodeHeader(bytes: Uint8Array): Header | undefined {
  if (bytes.length < FIXED_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const idEnd = view.getUint16(2);
  const chunkKib = view.getUint16(4);
  const known = bytes[0] === VERSION && bytes[1] === ALGORITHM &&
    idEnd <= HEADER_BYTES_MAX - NONCE_BYTES;
  if (!known) throw damaged("it does not begin as what is sealed does");
  if (chunkKib < 1 || chunkKib > CHUNK_KIB_MAX) {
    throw damaged(
      `its chunks have ${chunkKib} KiB, which is not 1 to ${CHUNK_KIB_MAX}`,
    );
  }
  const length = idEnd + NONCE_BYTES;
  if (bytes.length < length) return undefined;
  const keyId = new TextDecoder().decode(bytes.subarray(FIXED_BYTES, idEnd));
  if (!isKeyId(keyId)) throw damaged("its header names no key");
  const nonce = bytes.slice(idEnd, length);
  return { keyId, chunkBytes: chunkKib * 1024, nonce, length };
}

function joined(
  a: Uint8Array,
  b: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const both = new Uint8Array(a.length + b.length);
  both.set(a);
  both.set(b, a.length);
  return both;
}

function damaged(reason: string): HiqliteError {
  return new HiqliteError("storage", `The sealed object is damaged: ${reason}`);
}

function missingKey(keyId: string, ring: KeyRing): HiqliteError {
  return new HiqliteError(
    "storage",
    `The object is sealed with the key ${keyId}, which is not in ENC_KEYS (${
      ring.ids.join(", ")
    }): add it`,
  );
}
