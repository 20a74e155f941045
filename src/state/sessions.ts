import type { LogIndex } from "../raft/types.ts";
import type { WriteIdentity } from "./envelope.ts";
import { ForgottenKeys, hashOfKey } from "./forgotten_keys.ts";
import { KeptAnswers } from "./kept_answers.ts";
import {
  type AnswerHead,
  decodeRow,
  encodeRow,
  type RememberedAnswer as Answer,
} from "./remembered_answers.ts";
import {
  answerForgotten,
  NEW,
  otherWrite,
  type Recognition,
  tooManyKeys,
} from "./recognition.ts";
import { SESSION_LIMITS, type SessionLimits } from "./session_limits.ts";
import type {
  SavedAnswers,
  SessionPosition,
  SessionStore,
} from "./session_store.ts";

interface Session {
  readonly id: number;
  used: LogIndex;
  clockMs: number;
  below: number;
  /** Where the answers are that its client may not have, by sequence. */
  readonly answers: Map<number, LogIndex>;
}

/**
 * Remembers which writes were applied and what was answered, so that a repeated one
 * is not applied again. All of it follows from the entries alone. It is kept in
 * memory and stored with each batch: the new answers together, the sessions used, and
 * the removal of stored answers that are all forgotten.
 */
export class Sessions {
  readonly #store: SessionStore;
  readonly #limits: SessionLimits;
  readonly #sessions = new Map<number, Session>(); // longest unused first
  readonly #answers = new KeptAnswers();
  readonly #forgotten = new ForgottenKeys(); // of answers that had to make room
  #horizon: LogIndex = 0; // every answer up to here that was not released before is forgotten
  #latest: Session | null = null; // the last one of `#sessions`, if it was not closed
  readonly #touched = new Set<number>();
  readonly #closed = new Set<number>();
  readonly #emptied = new Set<LogIndex>();
  readonly #thinned = new Set<LogIndex>(); // rows that hold keys only, from now on
  #fresh: Answer[] = [];

  /** Reads what was stored with `position`. */
  constructor(
    store: SessionStore,
    position: SessionPosition,
    limits: SessionLimits = SESSION_LIMITS,
  ) {
    this.#store = store;
    this.#limits = limits;
    this.reload(position);
  }

  /** The newest answer that was forgotten for its age or for room; stored with the applied index. */
  get horizon(): LogIndex {
    return this.#horizon;
  }

  /** Forgets everything in memory and reads what is stored: after a transaction was undone. */
  reload({ horizon, clockMs }: SessionPosition): void {
    this.#horizon = horizon;
    this.#forgotten.clear();
    this.#answers.clear();
    this.#sessions.clear();
    this.#latest = null;
    this.#forgetChanges();
    const { sessions, answers } = this.#store.load();
    for (const { id, used, clockMs, below } of sessions) {
      this.#sessions.set(id, { id, used, clockMs, below, answers: new Map() });
    }
    for (const saved of answers) this.#loadAnswers(saved);
    this.#expireForgotten(clockMs - this.#limits.windowMs);
  }

  /** Forgets sessions and keys that were not used for `windowMs`; `clockMs`, here and below, is the cluster clock. */
  expire(clockMs: number): void {
    const oldest = clockMs - this.#limits.windowMs;
    for (const session of this.#sessions.values()) {
      if (session.clockMs >= oldest) break;
      this.#close(session);
    }
    for (
      let answer = this.#answers.before(oldest);
      answer !== undefined;
      answer = this.#answers.before(oldest)
    ) this.#forget(answer);
    this.#expireForgotten(oldest);
  }

  /** Opens the session named after the entry that asks for it. */
  open(id: LogIndex, clockMs: number): void {
    this.#latest = {
      id,
      used: id,
      clockMs,
      below: 1,
      answers: new Map(),
    };
    this.#sessions.set(id, this.#latest);
    this.#touched.add(id);
    if (this.#sessions.size <= this.#limits.sessions) return;
    for (const longestUnused of this.#sessions.values()) {
      this.#close(longestUnused);
      return;
    }
  }

  /** Closes a session; without effect if there is none. */
  close(id: number): void {
    const session = this.#sessions.get(id);
    if (session !== undefined) this.#close(session);
  }

  /** Looks for an earlier application of the write and notes the session's progress. */
  recognize(
    write: WriteIdentity,
    bodyHash: number,
    index: LogIndex,
    clockMs: number,
  ): Recognition {
    if (write.session !== 0) {
      const recognition = this.#recognizeSequence(write, index, clockMs);
      if (recognition !== NEW) return recognition;
    }
    if (write.idempotencyKey === "") return NEW;
    return this.#recognizeKey(write.idempotencyKey, bodyHash);
  }

  #recognizeKey(key: string, bodyHash: number): Recognition {
    const answer = this.#answers.ofKey(key);
    const known = answer ?? this.#forgotten.find(key);
    if (known === undefined) {
      const { keys, windowMs } = this.#limits;
      const full = this.#answers.keys + this.#forgotten.size >= keys;
      return full ? tooManyKeys(keys, windowMs) : NEW;
    }
    if (known.bodyHash !== bodyHash) return otherWrite(known.index);
    return answer === undefined
      ? answerForgotten(known.index)
      : { kind: "repeated", answer: this.#answers.bytesAt(answer.index)! };
  }

  #recognizeSequence(
    write: WriteIdentity,
    index: LogIndex,
    clockMs: number,
  ): Recognition {
    const session = this.#sessions.get(write.session);
    if (session === undefined) {
      return {
        kind: "expired",
        message: `The session ${write.session} is unknown or expired`,
      };
    }
    session.used = index;
    session.clockMs = clockMs;
    if (session !== this.#latest) {
      this.#sessions.delete(session.id);
      this.#sessions.set(session.id, session);
      this.#latest = session;
    }
    this.#touched.add(session.id);
    this.#acknowledge(session, write.answeredBelow);
    const at = session.answers.get(write.sequence);
    if (at !== undefined) {
      return { kind: "repeated", answer: this.#answers.bytesAt(at)! };
    }
    if (write.sequence >= session.below) return NEW;
    return {
      kind: "expired",
      message:
        `The answer to write ${write.sequence} of session ${session.id} is no longer remembered`,
    };
  }

  /** Remembers the answer to a new write. */
  remember(
    write: WriteIdentity,
    bodyHash: number,
    index: LogIndex,
    clockMs: number,
    bytes: Uint8Array,
  ): void {
    const session = this.#sessions.get(write.session);
    if (session === undefined && write.idempotencyKey === "") return;
    const answer: Answer = {
      index,
      clockMs,
      session: session === undefined ? 0 : session.id,
      sequence: session === undefined ? 0 : write.sequence,
      key: write.idempotencyKey,
      bodyHash,
      bytes,
      row: 0,
    };
    this.#add(answer, session);
    this.#fresh.push(answer);
    while (
      this.#answers.size > this.#limits.answers ||
      this.#answers.bytes > this.#limits.answerBytes
    ) this.#makeRoom(this.#answers.oldest()!);
  }

  /** Stores what has changed since the last time, with the batch that began at `first`. */
  save(first: LogIndex): void {
    const sessions: Session[] = [];
    for (const id of this.#touched) {
      const session = this.#sessions.get(id);
      if (session !== undefined) sessions.push(session);
    }
    this.#store.save({
      sessions,
      closed: this.#closed,
      answers: [...this.#freshAnswers(first), ...this.#thinnedRows()],
      emptied: this.#emptied,
    });
    this.#forgetChanges();
  }

  *#freshAnswers(first: LogIndex): Generator<SavedAnswers> {
    const answers = this.#fresh.filter((answer) => this.#answers.has(answer));
    this.#forgotten.storeIn(first);
    const keys = this.#forgotten.ofRow(first);
    if (answers.length + keys.length === 0) return;
    this.#answers.storeIn(first, answers);
    yield { first, data: encodeRow({ answers, keys }) };
  }

  *#thinnedRows(): Generator<SavedAnswers> {
    for (const first of this.#thinned) {
      const keys = this.#forgotten.ofRow(first);
      if (keys.length === 0) this.#emptied.add(first);
      else yield { first, data: encodeRow({ answers: [], keys }) };
    }
  }

  /** All of it in a canonical form, equal on members that applied the same entries. */
  dump(): string {
    const sessions = [...this.#sessions.values()].map((s) =>
      [s.id, s.clockMs, s.below, [...s.answers.keys()]].join(" ")
    );
    const answers = [...this.#answers].map((a) =>
      [a.index, a.clockMs, a.session, a.sequence, a.key, a.bytes.toHex()].join(
        " ",
      )
    );
    const forgotten = [...this.#forgotten].map((key) =>
      `${key.index} ${key.clockMs} ${key.bodyHash} ${JSON.stringify(key.hash)}`
    );
    return [...sessions, ...answers, ...forgotten].join("\n");
  }

  #forgetChanges(): void {
    this.#touched.clear();
    // What is empty already is cleared at the price of a new table.
    for (const set of [this.#closed, this.#emptied, this.#thinned]) {
      if (set.size > 0) set.clear();
    }
    this.#fresh = [];
  }

  #add(answer: Answer, session: Session | undefined): void {
    this.#answers.add(answer);
    session?.answers.set(answer.sequence, answer.index);
  }

  #acknowledge(session: Session, below: number): void {
    const first = session.below;
    if (below <= first) return;
    session.below = below;
    if (below - first > session.answers.size) {
      for (const sequence of session.answers.keys()) {
        if (sequence < below) this.#release(session, sequence);
      }
    } else {
      for (let sequence = first; sequence < below; sequence++) {
        this.#release(session, sequence);
      }
    }
  }

  #release(session: Session, sequence: number): void {
    const index = session.answers.get(sequence);
    if (index === undefined) return;
    session.answers.delete(sequence);
    this.#dropped(this.#answers.dropPlain(index));
  }

  #close(session: Session): void {
    this.#sessions.delete(session.id);
    if (session === this.#latest) this.#latest = null;
    this.#closed.add(session.id);
    for (const index of session.answers.values()) {
      this.#dropped(this.#answers.dropPlain(index));
    }
  }

  /** Forgets the oldest answer, which was not acknowledged: a repetition from now on is an error, not a second application. */
  #forget(answer: AnswerHead): void {
    this.#horizon = answer.index;
    const session = this.#sessions.get(answer.session);
    if (session?.answers.get(answer.sequence) === answer.index) {
      session.answers.delete(answer.sequence);
      session.below = Math.max(session.below, answer.sequence + 1);
      this.#touched.add(session.id);
    }
    this.#dropped(this.#answers.dropOldest());
  }

  /** Forgets the oldest answer, but not its key: a repetition learns that it was applied. */
  #makeRoom(answer: AnswerHead): void {
    const { key, index, clockMs, bodyHash, row } = answer;
    if (key !== "") {
      const hash = hashOfKey(key);
      this.#forgotten.add({ hash, index, clockMs, bodyHash, row });
    }
    this.#forget(answer);
  }

  #expireForgotten(oldest: number): void {
    for (;;) {
      const key = this.#forgotten.first();
      if (key === undefined || key.clockMs >= oldest) return;
      this.#forgotten.removeFirst();
      if (key.row === 0 || this.#answers.areIn(key.row)) continue;
      if (this.#forgotten.first()?.row !== key.row) this.#emptied.add(key.row);
    }
  }

  /** `row` holds no answers any more, if it is one. */
  #dropped(row: LogIndex): void {
    if (row !== 0) this.#thinned.add(row);
  }

  /** A row may still hold answers that were forgotten after it was written. */
  #loadAnswers({ first, data }: SavedAnswers): void {
    const { answers, keys } = decodeRow(data, first);
    for (const key of keys) this.#forgotten.add(key);
    let remembered = 0;
    for (const answer of answers) if (this.#restore(answer)) remembered++;
    if (remembered === 0 && answers.length > 0) this.#thinned.add(first);
  }

  #restore(answer: Answer): boolean {
    if (answer.index <= this.#horizon) {
      const { key, index, clockMs, bodyHash, row } = answer;
      if (key === "") return false;
      const hash = hashOfKey(key);
      this.#forgotten.add({ hash, index, clockMs, bodyHash, row });
      return false;
    }
    const session = this.#sessions.get(answer.session);
    const open = session !== undefined && answer.sequence >= session.below;
    if (!open && answer.key === "") return false;
    // A view of the row's data would keep all of it.
    const bytes = answer.key === "" ? answer.bytes.slice() : answer.bytes;
    this.#add({ ...answer, bytes }, open ? session : undefined);
    return true;
  }
}
