import type { LogIndex } from "../raft/types.ts";
import { MalformedBytesError } from "../util/bytes.ts";
import { encodeAnswer, encodeRefusal } from "./answer.ts";
import { decodeEnvelope, type Envelope } from "./envelope.ts";
import type { SessionStore } from "./session_store.ts";
import { type SessionLimits, Sessions } from "./sessions.ts";

/** Answers above this are not kept for repetition, only the fact that the write was applied. */
const REMEMBERED_BYTES_MAX = 64 * 1024;

/** Where a machine's envelopes stand; stored with the applied index. */
export interface EnvelopePosition {
  /** The cluster clock: the latest of all entries, ms. */
  readonly clockMs: number;
  /** The latest wall time of all entries, ms since the epoch. */
  readonly timeMs: number;
  /** See `Sessions.horizon`. */
  readonly horizon: LogIndex;
}

/** Before the first entry. */
export const ENVELOPE_START: EnvelopePosition = Object.freeze({
  clockMs: 0,
  timeMs: 0,
  horizon: 0,
});

/**
 * Applies a command for the first time and returns the answer, made with
 * `encodeAnswer`. `timeMs` is the entry's wall time made monotonic.
 */
export type Perform = (
  envelope: Envelope,
  index: LogIndex,
  timeMs: number,
) => Uint8Array;

/**
 * What happens around a command in any state machine (Ongaro's thesis, §6.3): the
 * clocks advance, what is too old is forgotten, a repeated write is answered as
 * the first time, and only a new one reaches the machine.
 */
export class ExactlyOnce {
  readonly #sessions: Sessions;
  readonly #perform: Perform;
  #clockMs: number;
  #timeMs: number;

  /** Continues at `position` with what `store` has; new commands go to `perform`. */
  constructor(
    store: SessionStore,
    position: EnvelopePosition,
    perform: Perform,
    limits?: SessionLimits,
  ) {
    this.#sessions = new Sessions(store, position.horizon, limits);
    this.#perform = perform;
    this.#clockMs = position.clockMs;
    this.#timeMs = position.timeMs;
  }

  /** The cluster clock as of the last entry, ms. */
  get clockMs(): number {
    return this.#clockMs;
  }

  /** The latest wall time of all entries, ms since the epoch. */
  get timeMs(): number {
    return this.#timeMs;
  }

  /** See `Sessions.horizon`. */
  get horizon(): LogIndex {
    return this.#sessions.horizon;
  }

  /**
   * Applies the command entry at `index` and returns its encoded answer.
   * @throws {UnknownLevelError} if a newer release wrote it: this member cannot go on.
   * @throws what the machine throws; nothing may be applied then before {@linkcode reload}.
   */
  apply(index: LogIndex, payload: Uint8Array): Uint8Array {
    let envelope: Envelope;
    try {
      envelope = decodeEnvelope(payload);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return encodeRefusal(index, "invalid", "The command is malformed");
    }
    this.#clockMs = Math.max(this.#clockMs, envelope.clockMs);
    this.#timeMs = Math.max(this.#timeMs, envelope.timeMs);
    this.#sessions.expire(this.#clockMs);
    switch (envelope.kind) {
      case "clock":
        return encodeAnswer(index);
      case "openSession":
        return this.#open(envelope, index);
      case "closeSession":
        this.#sessions.close(envelope.session);
        return encodeAnswer(index);
      case "command":
        return this.#command(envelope, index);
    }
  }

  /** Stores what is remembered since the last time, with the batch that began at `first`. */
  save(first: LogIndex): void {
    this.#sessions.save(first);
  }

  /** Goes back to what is stored: after the machine's transaction was undone. */
  reload(position: EnvelopePosition): void {
    this.#sessions.reload(position.horizon);
    this.#clockMs = position.clockMs;
    this.#timeMs = position.timeMs;
  }

  /** What is remembered in a canonical form; see `Sessions.dump`. */
  dump(): string {
    return this.#sessions.dump();
  }

  #open({ session }: Envelope, index: LogIndex): Uint8Array {
    if (session !== 0) {
      return encodeRefusal(
        index,
        "invalid",
        "A session cannot open a session",
      );
    }
    this.#sessions.open(index, this.#clockMs);
    return encodeAnswer(index);
  }

  #command(envelope: Envelope, index: LogIndex): Uint8Array {
    const hash = envelope.idempotencyKey === "" ? 0 : hashOf(envelope.body);
    const known = this.#sessions.recognize(
      envelope,
      hash,
      index,
      this.#clockMs,
    );
    switch (known.kind) {
      case "repeated":
        return known.answer;
      case "expired":
        return encodeRefusal(index, "session_expired", known.message);
      case "mismatch":
        return encodeRefusal(index, "conflict", known.message);
    }
    const answer = this.#perform(envelope, index, this.#timeMs);
    this.#sessions.remember(
      envelope,
      hash,
      index,
      this.#clockMs,
      rememberable(answer, index),
    );
    return answer;
  }
}

function rememberable(answer: Uint8Array, index: LogIndex): Uint8Array {
  if (answer.length <= REMEMBERED_BYTES_MAX) return answer;
  return encodeRefusal(
    index,
    "too_large",
    `The write was applied; its answer of ${answer.length} bytes is too large to be repeated`,
  );
}

/** FNV-1a, 32 bits. */
function hashOf(bytes: Uint8Array): number {
  let hash = 0x811c9dc5;
  for (const byte of bytes) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
