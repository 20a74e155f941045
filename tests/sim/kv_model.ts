import { type Entry, EntryKind } from "../../src/raft/types.ts";
import { ByteReader, ByteWriter, NO_BYTES } from "../../src/util/bytes.ts";
import {
  decodeCommand,
  encodeAnswer,
  type Operation,
  type SimAnswer,
} from "./command.ts";

/** Sessions remembered; the one unused for longest is forgotten first. */
const SESSIONS_MAX = 5;

/** What a state machine of the simulator computes, without any notion of time or disk. */
export interface Model {
  /** Applies consecutive entries and answers each. `duplicate` is called for a command that was applied before. */
  apply(entries: readonly Entry[], duplicate: () => void): Uint8Array[];
  /** The value of a key, as a read answers it. */
  read(key: number): string;
  /** Everything, for a snapshot. */
  encode(): Uint8Array;
  /** Everything in a canonical form: equal for equal states. */
  dump(): string;
  /** Gives up what it holds. */
  close(): void;
}

interface Session {
  sequence: number;
  answer: Uint8Array;
  usedAt: number;
}

/** Registers and lists by key, with sessions that make retries apply once. */
export class KvModel implements Model {
  readonly #values = new Map<number, string>();
  readonly #sessions = new Map<number, Session>();

  /** The state that {@linkcode KvModel.encode} wrote, or an empty one. */
  constructor(bytes?: Uint8Array) {
    if (bytes === undefined || bytes.length === 0) return;
    const reader = new ByteReader(bytes);
    for (let left = reader.u32(); left > 0; left--) {
      this.#values.set(reader.u53(), reader.text());
    }
    for (let left = reader.u32(); left > 0; left--) {
      this.#sessions.set(reader.u53(), {
        sequence: reader.u53(),
        answer: reader.bytes().slice(),
        usedAt: reader.u53(),
      });
    }
    reader.end();
  }

  apply(entries: readonly Entry[], duplicate: () => void): Uint8Array[] {
    return entries.map(({ index, kind, payload }) =>
      kind === EntryKind.command
        ? this.#command(index, payload, duplicate)
        : NO_BYTES
    );
  }

  #command(
    index: number,
    payload: Uint8Array,
    duplicate: () => void,
  ): Uint8Array {
    const command = decodeCommand(payload);
    if (command.kind === "open") {
      const answer = encodeAnswer({ kind: "opened", session: index });
      this.#sessions.set(index, { sequence: 0, answer, usedAt: index });
      this.#forget();
      return answer;
    }
    if (command.session === 0) {
      return encodeAnswer(this.#operate(command.operation));
    }
    const session = this.#sessions.get(command.session);
    if (session === undefined || command.sequence < session.sequence) {
      return encodeAnswer({ kind: "expired" });
    }
    session.usedAt = index;
    if (command.sequence === session.sequence) {
      duplicate();
      return session.answer;
    }
    session.sequence = command.sequence;
    session.answer = encodeAnswer(this.#operate(command.operation));
    return session.answer;
  }

  read(key: number): string {
    return this.#values.get(key) ?? "";
  }

  encode(): Uint8Array {
    const writer = new ByteWriter(1024);
    const keys = [...this.#values.keys()].sort((a, b) => a - b);
    writer.u32(keys.length);
    for (const key of keys) writer.u53(key).text(this.#values.get(key)!);
    const ids = [...this.#sessions.keys()].sort((a, b) => a - b);
    writer.u32(ids.length);
    for (const id of ids) {
      const session = this.#sessions.get(id)!;
      writer.u53(id).u53(session.sequence).bytes(session.answer)
        .u53(session.usedAt);
    }
    return writer.finish();
  }

  dump(): string {
    return this.encode().toHex();
  }

  close(): void {}

  #operate(operation: Operation): SimAnswer {
    const before = this.read(operation.key);
    const after = operate(operation, before);
    if (after.value !== before) this.#values.set(operation.key, after.value);
    return { kind: "done", value: after.answer };
  }

  #forget(): void {
    if (this.#sessions.size <= SESSIONS_MAX) return;
    let oldest = -1;
    let usedAt = Infinity;
    for (const [id, session] of this.#sessions) {
      if (session.usedAt < usedAt) {
        oldest = id;
        usedAt = session.usedAt;
      }
    }
    this.#sessions.delete(oldest);
  }
}

/** What an operation does to one key: shared by the model and the linearizability checker. */
export function operate(
  operation: Operation,
  before: string,
): { readonly value: string; readonly answer: string } {
  switch (operation.kind) {
    case "read":
      return { value: before, answer: before };
    case "put":
      return { value: String(operation.value), answer: before };
    case "append": {
      const value = before === ""
        ? String(operation.value)
        : `${before},${operation.value}`;
      return { value, answer: before };
    }
    case "cas": {
      const matched = before === String(operation.expected);
      return {
        value: matched ? String(operation.value) : before,
        answer: matched ? "1" : "0",
      };
    }
  }
}
