import { assert } from "../util/assert.ts";
import { FIRST_LEVEL, LEVEL } from "./level.ts";
import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../util/bytes.ts";

const CLOCK_OFFSET = 2;
const TIME_OFFSET = 10;
const SEED_OFFSET = 18;
const SEALED_OFFSET = 26;
const HASH_OFFSET = 27;
const RUN_MS_OFFSET = 31;
const SEQUENCE_OFFSET = 43;
const STAMPED_BYTES = 35;

/** What an envelope is for. Numbers are never used again for something else; new ones need a higher level. */
const KINDS = [
  "command",
  "openSession",
  "closeSession",
  "clock",
  "fact",
  "refusal",
] as const;

/**
 * `command` carries the machine's own bytes, `fact` a change of the cluster's facts; `clock` nothing but the stamp of every envelope.
 * `refusal` takes the place of a command that no log may hold, and says why; see `entry_refusal.ts`.
 */
export type EnvelopeKind = (typeof KINDS)[number];

/** Which write this is, so that a repeated one is applied once. */
export interface WriteIdentity {
  /** The index of an earlier `openSession`; 0 for none. */
  readonly session: number;
  /** Grows by one with each write of the session, from 1. */
  readonly sequence: number;
  /** The session has the answers of all writes below this sequence. */
  readonly answeredBelow: number;
  /** A client's own name for the write (HTTP `Idempotency-Key`), at most 128 bytes; empty for none. */
  readonly idempotencyKey: string;
}

/** The identity of a write that nobody will repeat. */
export const NO_IDENTITY: WriteIdentity = Object.freeze({
  session: 0,
  sequence: 0,
  answeredBelow: 0,
  idempotencyKey: "",
});

/** What a leader adds to an envelope just before it appends it. */
export interface Stamp {
  /** The cluster clock, ms, `0 … 2^53 - 1`; see `group/cluster_clock.ts`. */
  readonly clockMs: number;
  /** The leader's wall clock, ms since the epoch. */
  readonly timeMs: number;
  /** 32 random bits. */
  readonly seedA: number;
  /** 32 more. */
  readonly seedB: number;
}

/** What every command entry of every group carries, whatever its state machine. */
export interface Envelope extends WriteIdentity {
  readonly kind: EnvelopeKind;
  readonly clockMs: number;
  readonly timeMs: number;
  /** 64 random bits in two halves. */
  readonly seed: readonly [number, number];
  /** A hash of what the leader answered before it proposed the entry; null if it did not run it. */
  readonly hash: number | null;
  /** See {@linkcode EnvelopeNeeds.maxRunMs}. */
  readonly maxRunMs: number;
  /** The machine's own bytes; a view into what was decoded. Equal bytes ask for the same. */
  readonly body: Uint8Array;
}

/** What an envelope needs of those who handle it. */
export interface EnvelopeNeeds {
  /** What a member needs to know to read it. @default {1} */
  readonly level?: number;
  /** How long the leader may run it before it is refused, ms; 0 for the leader's usual limit, which bounds it anyway. @default {0} */
  readonly maxRunMs?: number;
}

/** The log or the state needs a newer release than this one; the member must be upgraded before it can go on. */
export class UnknownLevelError extends Error {
  override readonly name = "UnknownLevelError";
}

/**
 * Appends an envelope without a stamp. Layout: level and kind (a byte each), cluster
 * clock (8 bytes), wall time (8), seed (2 × 4), whether it is sealed (1), hash (4), run limit (4), all at fixed offsets for
 * {@linkcode stampEnvelope} and {@linkcode sealEnvelope}; then session, sequence, answeredBelow (8 each), the
 * idempotency key behind its length, and what `body` appends.
 */
export function writeEnvelope(
  writer: ByteWriter,
  kind: EnvelopeKind,
  identity: WriteIdentity,
  body?: (writer: ByteWriter) => void,
  { level = FIRST_LEVEL, maxRunMs = 0 }: EnvelopeNeeds = {},
): void {
  writer.u8(level).u8(KINDS.indexOf(kind) + 1);
  writer.u53(0).u53(0).u32(0).u32(0);
  writer.u8(0).u32(0).u32(maxRunMs);
  writer.u53(identity.session).u53(identity.sequence);
  writer.u53(identity.answeredBelow).text(identity.idempotencyKey);
  body?.(writer);
}

/** Sets the stamp of an encoded envelope in place, and breaks its seal: what the leader does just before it runs or appends it. */
export function stampEnvelope(bytes: Uint8Array, stamp: Stamp): void {
  assertEnvelope(bytes);
  const { clockMs, timeMs, seedA, seedB } = stamp;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  setU53(view, CLOCK_OFFSET, clockMs);
  setU53(view, TIME_OFFSET, timeMs);
  view.setUint32(SEED_OFFSET, seedA, true);
  view.setUint32(SEED_OFFSET + 4, seedB, true);
  bytes[SEALED_OFFSET] = 0;
  view.setUint32(HASH_OFFSET, 0, true);
}

/** Writes the hash of its answer into an encoded envelope, in place: what the leader does after it ran it and before it appends it. */
export function sealEnvelope(bytes: Uint8Array, hash: number): void {
  assertEnvelope(bytes);
  bytes[SEALED_OFFSET] = 1;
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    .setUint32(HASH_OFFSET, hash, true);
}

/** The hash in an encoded envelope; null if it is not sealed, or no envelope. */
export function peekHash(bytes: Uint8Array): number | null {
  if (bytes.length < STAMPED_BYTES || bytes[SEALED_OFFSET] !== 1) return null;
  return new ByteReader(bytes, HASH_OFFSET).u32();
}

/** The run limit in an encoded envelope; see {@linkcode EnvelopeNeeds.maxRunMs}. */
export function peekMaxRun(bytes: Uint8Array): number {
  assertEnvelope(bytes);
  return new ByteReader(bytes, RUN_MS_OFFSET).u32();
}

/** The cluster clock that an encoded envelope is stamped with, ms; 0 of bytes that are none, as another member may send them. */
export function peekClock(bytes: Uint8Array): number {
  if (!isEnvelope(bytes)) return 0;
  const view = new DataView(bytes.buffer, bytes.byteOffset + CLOCK_OFFSET, 8);
  const ms = view.getUint32(0, true) + view.getUint32(4, true) * 2 ** 32;
  return Number.isSafeInteger(ms) ? ms : 0;
}

/** The wall time that an encoded envelope is stamped with, ms since the epoch. */
export function peekTime(bytes: Uint8Array): number {
  assertEnvelope(bytes);
  return new ByteReader(bytes, TIME_OFFSET).u53();
}

/** The number of a write in its session; see {@linkcode WriteIdentity}. */
export function peekSequence(bytes: Uint8Array): number {
  assertEnvelope(bytes);
  return new ByteReader(bytes, SEQUENCE_OFFSET).u53();
}

/** Whether it is a command: what somebody wrote. */
export function isCommand(bytes: Uint8Array): boolean {
  return bytes[1] === KINDS.indexOf("command") + 1;
}

/** Whether an encoded envelope carries nothing but its stamp: nobody waits for it. */
export function isClock(bytes: Uint8Array): boolean {
  return bytes[1] === KINDS.indexOf("clock") + 1;
}

/**
 * Decodes what {@linkcode writeEnvelope} wrote; `known` is the highest level that this member can read.
 * @throws {UnknownLevelError} if it needs a higher one.
 * @throws {MalformedBytesError} for anything else that was not written by it.
 */
export function decodeEnvelope(bytes: Uint8Array, known = LEVEL): Envelope {
  const reader = new ByteReader(bytes);
  const level = reader.u8();
  if (level > known) {
    throw new UnknownLevelError(
      `An entry needs feature level ${level}, this release knows ${known}: start a newer release on this member`,
    );
  }
  const code = reader.u8();
  const kind = KINDS[code - 1];
  if (level < FIRST_LEVEL || kind === undefined) {
    throw new MalformedBytesError(
      `unknown envelope: level ${level}, kind ${code}`,
    );
  }
  return {
    kind,
    clockMs: reader.u53(),
    timeMs: reader.u53(),
    seed: [reader.u32(), reader.u32()],
    hash: reader.u8() === 1 ? reader.u32() : (reader.u32(), null),
    maxRunMs: reader.u32(),
    session: reader.u53(),
    sequence: reader.u53(),
    answeredBelow: reader.u53(),
    idempotencyKey: reader.text(),
    body: reader.raw(reader.remaining),
  };
}

function assertEnvelope(bytes: Uint8Array): void {
  assert(isEnvelope(bytes), "only an encoded envelope has a stamp");
}

function isEnvelope(bytes: Uint8Array): boolean {
  return bytes.length >= STAMPED_BYTES && bytes[0]! >= FIRST_LEVEL;
}

function setU53(view: DataView, offset: number, value: number): void {
  assert(Number.isSafeInteger(value) && value >= 0, "not a time in whole ms");
  view.setUint32(offset, value >>> 0, true);
  view.setUint32(offset + 4, Math.floor(value / 2 ** 32), true);
}
