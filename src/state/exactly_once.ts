import type { LogIndex } from "../raft/types.ts";
import { ByteReader, MalformedBytesError } from "../util/bytes.ts";
import { encodeAnswer, encodeRefusal } from "./answer.ts";
import { hashOfBody } from "./body_hash.ts";
import {
  changedFacts,
  type ClusterFacts,
  type FactChange,
  FIRST_FACTS,
  readFactChange,
  tooOld,
} from "./cluster_facts.ts";
import {
  decodeEnvelope,
  type Envelope,
  UnknownLevelError,
  type WriteIdentity,
} from "./envelope.ts";
import { decodeEntryRefusal, type EntryRefusal } from "./entry_refusal.ts";
import { LEVEL } from "./level.ts";
import type { SessionLimits } from "./session_limits.ts";
import { Sessions } from "./sessions.ts";
import type { SessionStore } from "./session_store.ts";

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
  /** What is known of the cluster as a whole. */
  readonly facts: ClusterFacts;
}

/** Before the first entry. */
export const ENVELOPE_START: EnvelopePosition = Object.freeze({
  clockMs: 0,
  timeMs: 0,
  horizon: 0,
  facts: FIRST_FACTS,
});

/** Bounds of what an {@linkcode ExactlyOnce} keeps and knows. */
export interface ExactlyOnceOptions {
  readonly limits?: SessionLimits;
  /** The newest feature level that this release knows. @default {LEVEL} */
  readonly level?: number;
  /** An entry begins, whatever it asks: the clock is as of it. */
  readonly begun?: (index: LogIndex, clockMs: number) => void;
  /** What of a command's body is the same whenever it comes again under its idempotency key. @default all of it */
  readonly asked?: (body: Uint8Array) => Uint8Array;
}

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
  readonly #level: number;
  readonly #begun: (index: LogIndex, clockMs: number) => void;
  readonly #asked: (body: Uint8Array) => Uint8Array;
  #clockMs: number;
  #timeMs: number;
  #facts: ClusterFacts;

  /**
   * Continues at `position` with what `store` has; new commands go to `perform`.
   * @throws {UnknownLevelError} if what is stored needs a newer release.
   */
  constructor(
    store: SessionStore,
    position: EnvelopePosition,
    perform: Perform,
    {
      limits,
      level = LEVEL,
      begun = () => {},
      asked = (body) => body,
    }: ExactlyOnceOptions = {},
  ) {
    this.#begun = begun;
    this.#asked = asked;
    this.#level = level;
    this.#requireLevel(position.facts);
    this.#sessions = new Sessions(store, position, limits);
    this.#perform = perform;
    this.#clockMs = position.clockMs;
    this.#timeMs = position.timeMs;
    this.#facts = position.facts;
  }

  /** What is known of the cluster as of the last entry. */
  get facts(): ClusterFacts {
    return this.#facts;
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
      envelope = decodeEnvelope(payload, this.#level);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return encodeRefusal(index, "invalid", "The command is malformed");
    }
    this.#clockMs = Math.max(this.#clockMs, envelope.clockMs);
    this.#timeMs = Math.max(this.#timeMs, envelope.timeMs);
    this.#sessions.expire(this.#clockMs);
    this.#begun(index, this.#clockMs);
    switch (envelope.kind) {
      case "clock":
        return encodeAnswer(index);
      case "openSession":
        return this.#open(envelope, index);
      case "closeSession":
        this.#sessions.close(envelope.session);
        return encodeAnswer(index);
      case "fact":
        return this.#fact(envelope, index);
      case "command":
        return this.#command(
          envelope,
          index,
          envelope.idempotencyKey === ""
            ? 0
            : hashOfBody(this.#asked(envelope.body)),
          () => this.#perform(envelope, index, this.#timeMs),
        );
      case "refusal":
        return this.#refuse(envelope, index);
    }
  }

  /** Stores what is remembered since the last time, with the batch that began at `first`. */
  save(first: LogIndex): void {
    this.#sessions.save(first);
  }

  /** Goes back to what is stored: after the machine's transaction was undone. */
  reload(position: EnvelopePosition): void {
    this.#sessions.reload(position);
    this.#clockMs = position.clockMs;
    this.#timeMs = position.timeMs;
    this.#facts = position.facts;
  }

  /** What is remembered in a canonical form; see `Sessions.dump`. */
  dump(): string {
    return this.#sessions.dump();
  }

  /** A change that comes again has had its effect, so it has none: no session is needed. */
  #fact({ body }: Envelope, index: LogIndex): Uint8Array {
    let change: FactChange;
    try {
      const reader = new ByteReader(body);
      change = readFactChange(reader);
      reader.end();
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return encodeRefusal(index, "invalid", "The fact is malformed");
    }
    const changed = changedFacts(this.#facts, change);
    if (typeof changed === "string") {
      return encodeRefusal(index, "conflict", changed);
    }
    this.#requireLevel(changed);
    this.#facts = changed;
    return encodeAnswer(index);
  }

  #requireLevel(facts: ClusterFacts): void {
    const old = tooOld(facts, this.#level, "this member");
    if (old !== null) throw new UnknownLevelError(old);
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

  /** What stands for a command that no log may hold is remembered like its answer. */
  #refuse(envelope: Envelope, index: LogIndex): Uint8Array {
    let refusal: EntryRefusal;
    try {
      refusal = decodeEntryRefusal(envelope.body);
    } catch (error) {
      if (!(error instanceof MalformedBytesError)) throw error;
      return encodeRefusal(index, "invalid", "The refusal is malformed");
    }
    const { reason, message, bodyHash } = refusal;
    const hash = envelope.idempotencyKey === "" ? 0 : bodyHash;
    return this.#command(
      envelope,
      index,
      hash,
      () => encodeRefusal(index, reason, message),
    );
  }

  #command(
    identity: WriteIdentity,
    index: LogIndex,
    hash: number,
    perform: () => Uint8Array,
  ): Uint8Array {
    const known = this.#sessions.recognize(
      identity,
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
      case "forgotten":
        return encodeRefusal(known.index, "too_large", known.message);
      case "full":
        return this.#refuseKey(identity, index, known.message);
    }
    const answer = perform();
    this.#sessions.remember(
      identity,
      hash,
      index,
      this.#clockMs,
      rememberable(answer, index),
    );
    return answer;
  }

  /** The session remembers that nothing was applied, since its repetition must not be, either. */
  #refuseKey(
    identity: WriteIdentity,
    index: LogIndex,
    message: string,
  ): Uint8Array {
    const answer = encodeRefusal(index, "overloaded", message);
    const write = { ...identity, idempotencyKey: "" };
    this.#sessions.remember(write, 0, index, this.#clockMs, answer);
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
