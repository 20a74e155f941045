import instantiate from "libsodium";
import { assert } from "../../util/assert.ts";

/** The longest text that it seals or opens, bytes; for longer ones the runtime's cipher is faster. */
export const SODIUM_BYTES_MAX = 4096;

/** Bytes that a seal adds. */
export const TAG_BYTES = 16;

/** Bytes of a nonce. */
export const NONCE_BYTES = 12;

const KEY_BYTES = 32;

/** What is used of libsodium's WebAssembly; numbers are addresses in `HEAPU8`, and lengths of 64 bits are two. */
interface SodiumModule {
  readonly HEAPU8: Uint8Array;
  _sodium_init(): number;
  _malloc(bytes: number): number;
  _crypto_aead_chacha20poly1305_ietf_encrypt_detached(
    sealed: number,
    tag: number,
    tagLength: number,
    plain: number,
    plainLow: number,
    plainHigh: number,
    data: number,
    dataLow: number,
    dataHigh: number,
    noSecret: number,
    nonce: number,
    key: number,
  ): number;
  _crypto_aead_chacha20poly1305_ietf_decrypt_detached(
    plain: number,
    noSecret: number,
    sealed: number,
    sealedLow: number,
    sealedHigh: number,
    tag: number,
    data: number,
    dataLow: number,
    dataHigh: number,
    nonce: number,
    key: number,
  ): number;
}

let loading: Promise<Sodium> | null = null;

/** Loads it when it is first needed, once for the process: this takes about 15 ms and 5 MB. */
export function loadSodium(): Promise<Sodium> {
  return loading ??= Sodium.load();
}

/**
 * ChaCha20-Poly1305 (RFC 8439) of libsodium, for short texts: a call costs a fraction
 * of what an object of the runtime's cipher does, which in exchange is faster by the byte.
 */
export class Sodium {
  readonly #module: SodiumModule;
  readonly #memory: Uint8Array;
  readonly #key: number;
  readonly #nonce: number;
  /** A text that is sealed and opened in its place, and its tag. */
  readonly #text: number;

  private constructor(module: SodiumModule) {
    this.#module = module;
    this.#key = module._malloc(KEY_BYTES);
    this.#nonce = module._malloc(NONCE_BYTES);
    this.#text = module._malloc(SODIUM_BYTES_MAX + TAG_BYTES);
    // Nothing is allocated after this, so the memory does not move.
    this.#memory = module.HEAPU8;
  }

  /** An instance of its own; use {@linkcode loadSodium}. */
  static async load(): Promise<Sodium> {
    const module = await (instantiate as () => Promise<SodiumModule>)();
    if (module._sodium_init() < 0) throw new Error("libsodium did not start");
    return new Sodium(module);
  }

  /** Puts the sealed text and its tag into `into` at `at`. At most {@linkcode SODIUM_BYTES_MAX} bytes. */
  seal(
    key: Uint8Array,
    nonce: Uint8Array,
    plain: Uint8Array,
    into: Uint8Array,
    at: number,
  ): void {
    const memory = this.#memory;
    const text = this.#text;
    const { length } = plain;
    this.#take(key, nonce, plain, SODIUM_BYTES_MAX);
    this.#module._crypto_aead_chacha20poly1305_ietf_encrypt_detached(
      text,
      text + length,
      0,
      text,
      length,
      0,
      0,
      0,
      0,
      0,
      this.#nonce,
      this.#key,
    );
    into.set(memory.subarray(text, text + length + TAG_BYTES), at);
  }

  /** The text before a tag, in memory of its own; null if it is not what was sealed. The tag is compared in constant time. */
  open(
    key: Uint8Array,
    nonce: Uint8Array,
    sealed: Uint8Array,
  ): Uint8Array | null {
    const text = this.#text;
    const length = sealed.length - TAG_BYTES;
    this.#take(key, nonce, sealed, SODIUM_BYTES_MAX + TAG_BYTES);
    const result = this.#module
      ._crypto_aead_chacha20poly1305_ietf_decrypt_detached(
        text,
        0,
        text,
        length,
        0,
        text + length,
        0,
        0,
        0,
        this.#nonce,
        this.#key,
      );
    return result === 0 ? this.#memory.slice(text, text + length) : null;
  }

  #take(
    key: Uint8Array,
    nonce: Uint8Array,
    text: Uint8Array,
    bytesMax: number,
  ): void {
    assert(
      key.length === KEY_BYTES && nonce.length === NONCE_BYTES &&
        text.length <= bytesMax,
      "what libsodium is given fits its memory",
    );
    const memory = this.#memory;
    memory.set(key, this.#key);
    memory.set(nonce, this.#nonce);
    memory.set(text, this.#text);
  }
}
