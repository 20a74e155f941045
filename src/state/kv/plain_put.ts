import { NO_BYTES } from "../../util/bytes.ts";
import { VALUE_KINDS } from "../stored_value.ts";
import { KEY_BYTES_MAX, TTL_MS_MAX } from "./limits.ts";
import { PUT_CODE, PutFlag } from "./operation_codec.ts";

/** Larger values are no plain puts. */
export const PLAIN_BYTES_MAX = 64 * 1024;

/** Where an entry's key and value lie in bytes. */
export interface EntryPlace {
  readonly bytes: Uint8Array;
  readonly keyStart: number;
  readonly keyLength: number;
  /** By its place in `VALUE_KINDS`. */
  readonly kind: number;
  readonly valueStart: number;
  readonly valueLength: number;
}

/** Behind so many caches or creates in one table no put is plain. */
const PLACES_MAX = 4096;
/** No number was there. */
const NONE = -1;

/**
 * What most units are: one put without a condition, which perhaps brings its cache. It is read where it stands in the
 * bytes of a command, and nothing is made of it: the same object reads one after the other.
 */
export class PlainPut implements EntryPlace {
  bytes: Uint8Array = NO_BYTES;
  /** What it brings, by its place in the command's table; -1 for nothing. */
  create = NONE;
  /** Its cache, by its place in the command's table. */
  cache = 0;
  keyStart = 0;
  keyLength = 0;
  kind = 0;
  valueStart = 0;
  valueLength = 0;
  /** How long it lives, ms; 0 for ever, -1 as its cache says. */
  ttlMs = 0;
  /** Where the next unit begins. */
  end = 0;
  #at = 0;

  /** Reads the unit that begins at `at`; false if that is none, or written in any other way than `writeKvCommand` does. */
  read(bytes: Uint8Array, at: number): boolean {
    this.bytes = bytes;
    this.#at = at;
    if (!this.#readHead() || !this.#readKey() || !this.#readLifetime()) {
      return false;
    }
    return this.#readValue();
  }

  /** What is created, no checks, one operation, which is a put. */
  #readHead(): boolean {
    const creates = this.#natural(1);
    this.create = creates === 1 ? this.#natural(PLACES_MAX) : NONE;
    if (creates === NONE || creates === 1 && this.create === NONE) return false;
    return this.#natural(0) === 0 && this.#natural(1) === 1 &&
      this.#byte() === PUT_CODE;
  }

  #readKey(): boolean {
    this.cache = this.#natural(PLACES_MAX);
    this.keyLength = this.#natural(KEY_BYTES_MAX);
    this.keyStart = this.#at;
    this.#at += this.keyLength;
    return this.cache !== NONE && this.keyLength !== NONE;
  }

  #readLifetime(): boolean {
    switch (this.#byte()) {
      case 0:
        this.ttlMs = NONE;
        return true;
      case PutFlag.forever:
        this.ttlMs = 0;
        return true;
      case PutFlag.ttl:
        this.ttlMs = this.#natural(TTL_MS_MAX);
        return this.ttlMs > 0;
      default:
        return false;
    }
  }

  #readValue(): boolean {
    this.kind = this.#byte();
    this.valueLength = this.#natural(PLAIN_BYTES_MAX);
    this.valueStart = this.#at;
    this.end = this.#at + this.valueLength;
    return this.kind < VALUE_KINDS.length && this.valueLength !== NONE &&
      this.end <= this.bytes.length;
  }

  /** 256, which is no byte, behind the end. */
  #byte(): number {
    const { bytes } = this;
    return this.#at < bytes.length ? bytes[this.#at++]! : 256;
  }

  /** As `ByteReader.natural` reads it; -1 for what it refuses. */
  #natural(max: number): number {
    let byte = this.#byte();
    if (byte < 0x80) return byte <= max ? byte : NONE;
    let value = byte & 0x7f;
    for (let scale = 0x80; byte >= 0x80; scale *= 0x80) {
      byte = this.#byte();
      value += (byte & 0x7f) * scale;
      if (byte > 0xff || value > max) return NONE;
    }
    return byte === 0 ? NONE : value;
  }
}
