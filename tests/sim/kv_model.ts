import { decodeAnswer, encodeAnswer } from "../../src/state/answer.ts";
import { ENVELOPE_START, ExactlyOnce } from "../../src/state/exactly_once.ts";
import { SESSION_LIMITS } from "../../src/state/sessions.ts";
import { type Entry, EntryKind } from "../../src/raft/types.ts";
import { ByteReader, ByteWriter, NO_BYTES } from "../../src/util/bytes.ts";
import { MemorySessionStore } from "../state/memory_sessions.ts";
import type { Operation } from "./command.ts";

/** Few sessions that live for a short time, so that they are forgotten in every way. */
export const LIMITS = { ...SESSION_LIMITS, sessions: 5, windowMs: 5_000 };

/** Bytes before an operation: the attempt. */
const ATTEMPT_BYTES = 8;

const KINDS = ["put", "cas", "append", "read"] as const;

/** What a state machine of the simulator computes, without any notion of time or disk. */
export interface Model {
  /** The cluster clock as of the last entry. */
  readonly clockMs: number;
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

/** Registers and lists by key, applied once by the production rules. */
export class KvModel implements Model {
  readonly #values = new Map<number, string>();
  readonly #store: MemorySessionStore;
  readonly #commands: ExactlyOnce;

  /** The state that {@linkcode KvModel.encode} wrote, or an empty one. */
  constructor(bytes: Uint8Array) {
    let position = ENVELOPE_START;
    if (bytes.length === 0) {
      this.#store = new MemorySessionStore();
    } else {
      const reader = new ByteReader(bytes);
      for (let left = reader.u32(); left > 0; left--) {
        this.#values.set(reader.u53(), reader.text());
      }
      position = {
        ...ENVELOPE_START,
        clockMs: reader.u53(),
        timeMs: reader.u53(),
        horizon: reader.u53(),
      };
      this.#store = MemorySessionStore.read(reader);
      reader.end();
    }
    this.#commands = new ExactlyOnce(
      this.#store,
      position,
      ({ body }, index) => this.#perform(body, index),
      { limits: LIMITS },
    );
  }

  get clockMs(): number {
    return this.#commands.clockMs;
  }

  apply(entries: readonly Entry[], duplicate: () => void): Uint8Array[] {
    const answers = entries.map(({ index, kind, payload }) => {
      if (kind !== EntryKind.command) return NO_BYTES;
      const answer = this.#commands.apply(index, payload);
      if (decodeAnswer(answer).index !== index) duplicate();
      return answer;
    });
    if (entries.length > 0) this.#commands.save(entries[0]!.index);
    return answers;
  }

  read(key: number): string {
    return this.#values.get(key) ?? "";
  }

  encode(): Uint8Array {
    const writer = new ByteWriter(1024);
    const { clockMs, timeMs, horizon } = this.#commands;
    this.#writeValues(writer);
    writer.u53(clockMs).u53(timeMs).u53(horizon);
    this.#store.write(writer);
    return writer.finish();
  }

  dump(): string {
    const writer = new ByteWriter(1024);
    this.#writeValues(writer);
    return `${writer.view().toHex()}\n${this.#commands.dump()}`;
  }

  close(): void {}

  #writeValues(writer: ByteWriter): void {
    const keys = [...this.#values.keys()].sort((a, b) => a - b);
    writer.u32(keys.length);
    for (const key of keys) writer.u53(key).text(this.#values.get(key)!);
  }

  #perform(body: Uint8Array, index: number): Uint8Array {
    const operation = readOperation(new ByteReader(body, ATTEMPT_BYTES));
    const before = this.read(operation.key);
    const after = operate(operation, before);
    if (after.value !== before) this.#values.set(operation.key, after.value);
    return encodeAnswer(index, (writer) => writer.text(after.answer));
  }
}

/** Appends an operation. */
export function writeOperation(
  writer: ByteWriter,
  operation: Operation,
): void {
  writer.u8(KINDS.indexOf(operation.kind)).u53(operation.key)
    .u53("value" in operation ? operation.value : 0)
    .u53("expected" in operation ? operation.expected : 0);
}

function readOperation(reader: ByteReader): Operation {
  const kind = KINDS[reader.u8()]!;
  const key = reader.u53();
  const value = reader.u53();
  const expected = reader.u53();
  if (kind === "read") return { kind, key };
  return kind === "cas" ? { kind, key, expected, value } : { kind, key, value };
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
