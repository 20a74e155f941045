import { crc32 } from "node:zlib";
import type { LogIndex } from "../../../raft/types.ts";
import { hashAnswer } from "../../answer.ts";
import { peekHash } from "../../envelope.ts";
import type { Divergence, StateHash } from "../../port.ts";
import { agreesWholly, hashResult } from "../../sql/result.ts";

/** Members compare their states at multiples of this index. */
const HASH_EVERY = 256;

/**
 * The hash that an entry carries of its answer, and of what it `published` if that is not 0; SQLite's own words are left
 * out, since its versions differ in them.
 */
export function hashSqlAnswer(answer: Uint8Array, published = 0): number {
  const hash = hashAnswer(answer, hashResult, agreesWholly);
  return published === 0 ? hash : crc32(`${published}`, hash);
}

/** What a CRC-32 does with each value of a byte. */
const CRC_TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) {
    crc = crc & 1 ? crc >>> 1 ^ 0xedb88320 : crc >>> 1;
  }
  return crc;
});

/** `crc32` of the four bytes of a word, the lowest first: for so few a call of the runtime's costs five times as much. */
export function crc32OfWord(word: number, start: number): number {
  let crc = ~start;
  for (let shift = 0; shift < 32; shift += 8) {
    crc = CRC_TABLE[(crc ^ word >>> shift) & 0xff]! ^ crc >>> 8;
  }
  return ~crc >>> 0;
}

/** Whether an answer's hash is the one that its entry carries, or it carries none. */
export function agrees(payload: Uint8Array, actual: number): boolean {
  const expected = peekHash(payload);
  return expected === null || expected === actual;
}

/** What members must agree about: a hash over all answers so far and pieces of the contents, and each answer's with what its entry says. */
export class Agreement {
  #hash: number;
  #hashes: StateHash[] = [];
  /** The first entry since the last {@linkcode takeDivergence} that is answered differently here. */
  #divergence: Divergence | null = null;

  /** Goes on from the hash over all answers before. */
  constructor(hash: number) {
    this.#hash = hash;
  }

  /** The hash over all answers so far. */
  get hash(): number {
    return this.#hash;
  }

  /** Compares the answer's hash with the one that the entry carries. */
  compare(index: LogIndex, payload: Uint8Array, actual: number): void {
    if (agrees(payload, actual)) return;
    this.#divergence ??= { index, expected: peekHash(payload)!, actual };
  }

  /** Adds the answer's hash. */
  add(hash: number): void {
    this.#hash = crc32OfWord(hash, this.#hash);
  }

  /** Whether members compare their states after this entry, which has an answer or none. */
  comparesAt(index: LogIndex): boolean {
    return index % HASH_EVERY === 0;
  }

  /** What members compare: the hash so far with what was seen of a table's contents. */
  note(index: LogIndex, seen: { hash: number; table: string }): void {
    this.#hash = seen.hash;
    this.#hashes.push({ index, ...seen });
  }

  /** Goes back to the hash of what is committed. */
  undo(hash: number): void {
    this.#hash = hash;
    this.#divergence = null;
  }

  /** Hashes of the state at fixed indexes up to `applied`, reached since the last call. An entry that ran again has left its mark twice; the last one counts. */
  takeHashes(applied: LogIndex): readonly StateHash[] {
    const reached = this.#hashes.filter(({ index }) => index <= applied);
    this.#hashes = [];
    return reached;
  }

  /** What was found since the last call. */
  takeDivergence(): Divergence | null {
    const divergence = this.#divergence;
    this.#divergence = null;
    return divergence;
  }
}
