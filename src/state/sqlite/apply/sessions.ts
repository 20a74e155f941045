import { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import type { LogIndex } from "../../../raft/types.ts";
import type { Command } from "../../sql/types.ts";
import type { SqliteConnection, SqliteStatement } from "../driver/driver.ts";

/** A session or an idempotency key is forgotten after this long without use, in which pauses between writes count {@linkcode PAUSE_MAX_MS} at most. */
export const RETRY_WINDOW_MS = 60 * 60 * 1000;
/** Longer pauses between two writes cannot be told from a jump of the leader's clock. */
export const PAUSE_MAX_MS = 10_000;
/** More sessions than this: the longest unused one is closed. */
export const SESSIONS_MAX = 10_000;
/** More remembered answers than this, or more bytes in them: the oldest are forgotten. */
export const ANSWERS_MAX = 100_000;
/** See {@linkcode ANSWERS_MAX}. */
export const ANSWERS_BYTES_MAX = 64 * 1024 * 1024;

interface Session {
  readonly id: number;
  /** The entry that used it last. */
  used: LogIndex;
  timeMs: number;
  /** Answers below this sequence are gone. */
  below: number;
  readonly answers: Map<number, Answer>;
}

interface Answer {
  readonly index: LogIndex;
  readonly timeMs: number;
  readonly session: number;
  readonly sequence: number;
  readonly key: string;
  /** Checksum of the command's body, to notice a key that is used for something else. */
  readonly bodyHash: number;
  readonly bytes: Uint8Array;
  /** The row that stores it; set when its batch is written. */
  row: LogIndex;
}

/** What is known of a write before it is applied. */
export type Recognition =
  | { readonly kind: "new" }
  | { readonly kind: "repeated"; readonly answer: Uint8Array }
  | { readonly kind: "expired"; readonly message: string }
  | { readonly kind: "mismatch"; readonly message: string };

const NEW: Recognition = { kind: "new" };
const ANSWER_OVERHEAD_BYTES = 100;

/**
 * Remembers which writes were applied and what was answered, so that a repeated one
 * is not applied again. All of it follows from the entries alone. It is kept in
 * memory and written with each batch: a row of new answers, the sessions used, and
 * the removal of rows whose answers are all forgotten.
 */
export class Sessions {
  readonly #connection: SqliteConnection;
  readonly #sessions = new Map<number, Session>(); // longest unused first
  readonly #keys = new Map<string, Answer>();
  readonly #answers = new Map<LogIndex, Answer>(); // oldest first
  readonly #rows = new Map<LogIndex, number>(); // answers still remembered of each stored row
  #bytes = 0;
  #horizon: LogIndex = 0; // every answer up to here that was not released before is forgotten
  #latest: Session | null = null; // the last one of `#sessions`, if it was not closed
  readonly #touched = new Set<number>();
  readonly #closed = new Set<number>();
  readonly #emptied = new Set<LogIndex>();
  #fresh: Answer[] = [];
  readonly #saveSession: SqliteStatement;
  readonly #dropSession: SqliteStatement;
  readonly #saveRow: SqliteStatement;
  readonly #dropRow: SqliteStatement;

  /** Reads what was stored with `horizon`. */
  constructor(connection: SqliteConnection, horizon: LogIndex) {
    this.#connection = connection;
    this.#saveSession = connection.prepare(
      "INSERT OR REPLACE INTO main._hql_sessions (id, used, time, below) VALUES (?, ?, ?, ?)",
    )!;
    this.#dropSession = connection.prepare(
      "DELETE FROM main._hql_sessions WHERE id = ?",
    )!;
    this.#saveRow = connection.prepare(
      "INSERT INTO main._hql_answers (first, data) VALUES (?, ?)",
    )!;
    this.#dropRow = connection.prepare(
      "DELETE FROM main._hql_answers WHERE first = ?",
    )!;
    this.reload(horizon);
  }

  /** The newest answer that was forgotten for its age or for room; stored with the applied index. */
  get horizon(): LogIndex {
    return this.#horizon;
  }

  /** Forgets everything in memory and reads what is stored: after a transaction was undone. */
  reload(horizon: LogIndex): void {
    this.#horizon = horizon;
    for (
      const map of [this.#sessions, this.#keys, this.#answers, this.#rows]
    ) map.clear();
    this.#latest = null;
    this.#bytes = 0;
    this.#settle();
    this.#loadSessions();
    this.#loadAnswers();
  }

  /** Forgets sessions and keys that were not used for {@linkcode RETRY_WINDOW_MS}; `nowMs`, here and below, is a clock that never jumps. */
  expire(nowMs: number): void {
    const oldest = nowMs - RETRY_WINDOW_MS;
    for (const session of this.#sessions.values()) {
      if (session.timeMs >= oldest) break;
      this.#close(session);
    }
    for (const answer of this.#answers.values()) {
      if (answer.timeMs >= oldest) break;
      this.#forget(answer);
    }
  }

  /** Opens the session named after the entry that asks for it. */
  open(id: LogIndex, nowMs: number): void {
    this.#latest = {
      id,
      used: id,
      timeMs: nowMs,
      below: 1,
      answers: new Map(),
    };
    this.#sessions.set(id, this.#latest);
    this.#touched.add(id);
    if (this.#sessions.size <= SESSIONS_MAX) return;
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
    command: Command,
    bodyHash: number,
    index: LogIndex,
    nowMs: number,
  ): Recognition {
    if (command.session !== 0) {
      const recognition = this.#recognizeSequence(command, index, nowMs);
      if (recognition !== NEW) return recognition;
    }
    if (command.idempotencyKey === "") return NEW;
    const answer = this.#keys.get(command.idempotencyKey);
    if (answer === undefined) return NEW;
    return answer.bodyHash === bodyHash
      ? { kind: "repeated", answer: answer.bytes }
      : {
        kind: "mismatch",
        message:
          `The idempotency key was used for another write, at index ${answer.index}`,
      };
  }

  #recognizeSequence(
    command: Command,
    index: LogIndex,
    nowMs: number,
  ): Recognition {
    const session = this.#sessions.get(command.session);
    if (session === undefined) {
      return {
        kind: "expired",
        message: `The session ${command.session} is unknown or expired`,
      };
    }
    session.used = index;
    session.timeMs = nowMs;
    if (session !== this.#latest) {
      this.#sessions.delete(session.id);
      this.#sessions.set(session.id, session);
      this.#latest = session;
    }
    this.#touched.add(session.id);
    this.#acknowledge(session, command.answeredBelow);
    const answer = session.answers.get(command.sequence);
    if (answer !== undefined) return { kind: "repeated", answer: answer.bytes };
    if (command.sequence >= session.below) return NEW;
    return {
      kind: "expired",
      message:
        `The answer to write ${command.sequence} of session ${session.id} is no longer remembered`,
    };
  }

  /** Remembers the answer to a new write. */
  remember(
    command: Command,
    bodyHash: number,
    index: LogIndex,
    nowMs: number,
    bytes: Uint8Array,
  ): void {
    const session = this.#sessions.get(command.session);
    if (session === undefined && command.idempotencyKey === "") return;
    const answer: Answer = {
      index,
      timeMs: nowMs,
      session: session === undefined ? 0 : session.id,
      sequence: session === undefined ? 0 : command.sequence,
      key: command.idempotencyKey,
      bodyHash,
      // Answers share buffers; one that stays long must not keep a whole buffer.
      bytes: command.idempotencyKey === "" ? bytes : bytes.slice(),
      row: 0,
    };
    this.#add(answer, session);
    this.#fresh.push(answer);
    while (
      this.#answers.size > ANSWERS_MAX || this.#bytes > ANSWERS_BYTES_MAX
    ) {
      for (const oldest of this.#answers.values()) {
        this.#forget(oldest);
        break;
      }
    }
  }

  /** Stores what has changed since the last time, in the open transaction. */
  save(firstIndex: LogIndex): void {
    for (const id of this.#touched) {
      const session = this.#sessions.get(id);
      if (session === undefined) continue;
      this.#saveSession.run(
        bindings(id, session.used, session.timeMs, session.below),
      );
    }
    for (const id of this.#closed) this.#dropSession.run(bindings(id));
    for (const row of this.#emptied) this.#dropRow.run(bindings(row));
    const kept = this.#fresh.filter((answer) =>
      this.#answers.get(answer.index) === answer
    );
    if (kept.length > 0) {
      for (const answer of kept) answer.row = firstIndex;
      this.#rows.set(firstIndex, kept.length);
      this.#saveRow.run({
        anonymous: [BigInt(firstIndex), encodeAnswers(kept)],
        named: null,
      });
    }
    this.#settle();
  }

  /** All of it in a canonical form, equal on members that applied the same entries. */
  dump(): string {
    const sessions = [...this.#sessions.values()].map((s) =>
      [s.id, s.timeMs, s.below, [...s.answers.keys()]].join(" ")
    );
    const answers = [...this.#answers.values()].map((a) =>
      [a.index, a.timeMs, a.session, a.sequence, a.key, a.bytes.toHex()].join(
        " ",
      )
    );
    return [...sessions, ...answers].join("\n");
  }

  #settle(): void {
    this.#touched.clear();
    this.#closed.clear();
    this.#emptied.clear();
    this.#fresh = [];
  }

  #add(answer: Answer, session: Session | undefined): void {
    this.#answers.set(answer.index, answer);
    this.#bytes += answer.bytes.length + ANSWER_OVERHEAD_BYTES;
    session?.answers.set(answer.sequence, answer);
    if (answer.key !== "") this.#keys.set(answer.key, answer);
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
    const answer = session.answers.get(sequence);
    if (answer === undefined) return;
    session.answers.delete(sequence);
    if (answer.key === "") this.#drop(answer);
  }

  #close(session: Session): void {
    this.#sessions.delete(session.id);
    if (session === this.#latest) this.#latest = null;
    this.#closed.add(session.id);
    for (const answer of session.answers.values()) {
      if (answer.key === "") this.#drop(answer);
    }
  }

  /** Forgets an answer that was not acknowledged: a repetition from now on is an error, not a second application. */
  #forget(answer: Answer): void {
    this.#horizon = answer.index;
    const session = this.#sessions.get(answer.session);
    if (session?.answers.get(answer.sequence) === answer) {
      session.answers.delete(answer.sequence);
      session.below = Math.max(session.below, answer.sequence + 1);
      this.#touched.add(session.id);
    }
    this.#drop(answer);
  }

  #drop(answer: Answer): void {
    if (!this.#answers.delete(answer.index)) return;
    this.#bytes -= answer.bytes.length + ANSWER_OVERHEAD_BYTES;
    if (this.#keys.get(answer.key) === answer) this.#keys.delete(answer.key);
    const left = this.#rows.get(answer.row);
    if (left === undefined) return; // not stored yet
    if (left > 1) {
      this.#rows.set(answer.row, left - 1);
    } else {
      this.#rows.delete(answer.row);
      this.#emptied.add(answer.row);
    }
  }

  #loadSessions(): void {
    const rows = this.#connection.prepare(
      "SELECT id, used, time, below FROM main._hql_sessions ORDER BY used",
    )!.all(bindings());
    for (const [id, used, timeMs, below] of rows as number[][]) {
      this.#sessions.set(id!, {
        id: id!,
        used: used!,
        timeMs: timeMs!,
        below: below!,
        answers: new Map(),
      });
    }
  }

  #loadAnswers(): void {
    const rows = this.#connection.prepare(
      "SELECT first, data FROM main._hql_answers ORDER BY first",
    )!.all(bindings());
    for (const [first, data] of rows as [number, Uint8Array][]) {
      let remembered = 0;
      for (const answer of decodeAnswers(data, first)) {
        if (this.#restore(answer)) remembered++;
      }
      if (remembered > 0) this.#rows.set(first, remembered);
      else this.#emptied.add(first);
    }
  }

  /** A row may still hold answers that were forgotten after it was written. */
  #restore(answer: Answer): boolean {
    if (answer.index <= this.#horizon) return false;
    const session = this.#sessions.get(answer.session);
    const open = session !== undefined && answer.sequence >= session.below;
    if (!open && answer.key === "") return false;
    this.#add(answer, open ? session : undefined);
    return true;
  }
}

function encodeAnswers(answers: readonly Answer[]): Uint8Array {
  const writer = new ByteWriter(64 * answers.length);
  writer.u32(answers.length);
  for (const answer of answers) {
    writer.u53(answer.index).u53(answer.timeMs);
    writer.u53(answer.session).u53(answer.sequence);
    writer.text(answer.key).u32(answer.bodyHash).bytes(answer.bytes);
  }
  return writer.finish();
}

function* decodeAnswers(data: Uint8Array, row: LogIndex): Generator<Answer> {
  const reader = new ByteReader(data);
  const count = reader.u32();
  for (let i = 0; i < count; i++) {
    yield {
      index: reader.u53(),
      timeMs: reader.u53(),
      session: reader.u53(),
      sequence: reader.u53(),
      key: reader.text(),
      bodyHash: reader.u32(),
      bytes: reader.bytes().slice(),
      row,
    };
  }
}

function bindings(...values: number[]): {
  anonymous: bigint[];
  named: null;
} {
  return { anonymous: values.map(BigInt), named: null };
}
