import { crc32 } from "node:zlib";
import { encodeAnswer, hashAnswer } from "../../src/state/answer.ts";
import { peekHash } from "../../src/state/envelope.ts";
import { ENVELOPE_START, ExactlyOnce } from "../../src/state/exactly_once.ts";
import { SESSION_LIMITS } from "../../src/state/session_limits.ts";
import { type Entry, EntryKind, type LogIndex } from "../../src/raft/types.ts";
import type {
  Divergence,
  Preparation,
  PreparedEntry,
  StateEvents,
} from "../../src/state/port.ts";
import { ByteReader, ByteWriter, NO_BYTES } from "../../src/util/bytes.ts";
import { MemorySessionStore } from "../../src/state/memory_sessions.ts";
import type { Operation, PoisonKind } from "./command.ts";
import { Violation } from "./violation.ts";

/** Few sessions that live for a short time, so that they are forgotten in every way. */
export const LIMITS = { ...SESSION_LIMITS, sessions: 5, windowMs: 5_000 };

/** Bytes before an operation: the attempt. */
const ATTEMPT_BYTES = 8;

const KINDS = ["put", "cas", "append", "read", "poison"] as const;
const POISONS: readonly PoisonKind[] = ["hangs", "dies", "large"];

/** What a batch that was applied did. */
export interface ModelApplied {
  /** One for each entry, empty for those that are no commands. */
  readonly answers: Uint8Array[];
  readonly divergence: Divergence | null;
}

/** An entry that a machine must never run but in a preparation: it hangs, or kills its writer. */
export class PoisonError extends Error {
  readonly how: PoisonKind;
  /** Its place in the preparation. */
  readonly at: number;
  constructor(how: PoisonKind, at: number) {
    super(`poison: ${how}`);
    this.how = how;
    this.at = at;
  }
}

/** What a state machine of the simulator computes, without any notion of time or disk. */
export interface Model {
  /** The cluster clock as of the last entry. */
  readonly clockMs: number;
  /** Applies consecutive entries and answers each. */
  apply(entries: readonly Entry[]): ModelApplied;
  /**
   * Runs commands in a transaction that stays open and is not seen by anything else here.
   * @throws {PoisonError} with nothing left open.
   */
  prepare(preparation: Preparation): PreparedEntry[];
  commitPrepared(): void;
  rollbackPrepared(): void;
  /** What the entries told that were committed last; left out by a model that has nothing of its own to tell. */
  takeEvents?(): StateEvents;
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
  #state: KvState;
  #prepared: KvState | null = null;

  /** The state that {@linkcode KvModel.encode} wrote, or an empty one. */
  constructor(bytes: Uint8Array) {
    this.#state = new KvState(bytes);
  }

  get clockMs(): number {
    return this.#state.commands.clockMs;
  }

  apply(entries: readonly Entry[]): ModelApplied {
    let divergence: Divergence | null = null;
    const answers = entries.map(({ index, kind, payload }) => {
      if (kind !== EntryKind.command) return NO_BYTES;
      const answer = this.#state.commands.apply(index, payload);
      const expected = peekHash(payload);
      const actual = hashKvAnswer(answer);
      if (expected !== null && expected !== actual) {
        divergence ??= { index, expected, actual };
      }
      return answer;
    });
    if (entries.length > 0) this.#state.commands.save(entries[0]!.index);
    return { answers, divergence };
  }

  prepare({ first, payloads }: Preparation): PreparedEntry[] {
    const kept = new Set<number>();
    for (;;) {
      const state = new KvState(this.#state.encode());
      state.preparing = true;
      try {
        const outcomes = prepareIn(state, first, payloads, kept);
        state.preparing = false;
        this.#prepared = state;
        return outcomes;
      } catch (error) {
        if (!(error instanceof PoisonError) || error.how !== "large") {
          throw error;
        }
        kept.add(error.at);
      }
    }
  }

  commitPrepared(): void {
    this.#state = this.#prepared!;
    this.#prepared = null;
  }

  rollbackPrepared(): void {
    this.#prepared = null;
  }

  read(key: number): string {
    return this.#state.read(key);
  }

  encode(): Uint8Array {
    return this.#state.encode();
  }

  dump(): string {
    return this.#state.dump();
  }

  close(): void {}
}

/** A {@linkcode KvModel} at a point of the log. */
class KvState {
  readonly #values = new Map<number, string>();
  readonly #store: MemorySessionStore;
  readonly commands: ExactlyOnce;
  /** Whether what runs is only prepared, and its place. */
  preparing = false;
  at = 0;

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
    this.commands = new ExactlyOnce(
      this.#store,
      position,
      ({ body }, index) => this.#perform(body, index),
      { limits: LIMITS },
    );
  }

  read(key: number): string {
    return this.#values.get(key) ?? "";
  }

  encode(): Uint8Array {
    const writer = new ByteWriter(1024);
    const { clockMs, timeMs, horizon } = this.commands;
    this.#writeValues(writer);
    writer.u53(clockMs).u53(timeMs).u53(horizon);
    this.#store.write(writer);
    return writer.finish();
  }

  dump(): string {
    const writer = new ByteWriter(1024);
    this.#writeValues(writer);
    return `${writer.view().toHex()}\n${this.commands.dump()}`;
  }

  #writeValues(writer: ByteWriter): void {
    const keys = [...this.#values.keys()].sort((a, b) => a - b);
    writer.u32(keys.length);
    for (const key of keys) writer.u53(key).text(this.#values.get(key)!);
  }

  #perform(body: Uint8Array, index: number): Uint8Array {
    const operation = readOperation(new ByteReader(body, ATTEMPT_BYTES));
    if (operation.kind === "poison" && this.preparing) {
      throw new PoisonError(operation.how, this.at);
    }
    const before = this.read(operation.key);
    const after = operate(operation, before);
    if (after.value !== before) this.#values.set(operation.key, after.value);
    return encodeAnswer(index, (writer) => writer.text(after.answer));
  }
}

/** The hash that an entry carries of its answer. */
export function hashKvAnswer(answer: Uint8Array): number {
  return hashAnswer(answer, (body, start) => crc32(body, start));
}

/** Runs payloads but those at the places that are kept out. */
function prepareIn(
  state: KvState,
  first: LogIndex,
  payloads: readonly Uint8Array[],
  kept: ReadonlySet<number>,
): PreparedEntry[] {
  let index = first;
  const outcomes = payloads.map((payload, at): PreparedEntry => {
    if (kept.has(at)) {
      return { kind: "refused", reason: "too_large", detail: "poison" };
    }
    state.at = at;
    const answer = state.commands.apply(index++, payload);
    return { kind: "prepared", answer, hash: hashKvAnswer(answer) };
  });
  if (index > first) state.commands.save(first);
  return outcomes;
}

/** Appends an operation. */
export function writeOperation(
  writer: ByteWriter,
  operation: Operation,
): void {
  writer.u8(KINDS.indexOf(operation.kind)).u53(operation.key)
    .u53(
      "value" in operation
        ? operation.value
        : "how" in operation
        ? POISONS.indexOf(operation.how)
        : 0,
    )
    .u53("expected" in operation ? operation.expected : 0);
}

function readOperation(reader: ByteReader): Operation {
  const kind = KINDS[reader.u8()]!;
  const key = reader.u53();
  const value = reader.u53();
  const expected = reader.u53();
  if (kind === "read") return { kind, key };
  if (kind === "poison") return { kind, key, how: POISONS[value]! };
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
    case "poison":
      throw new Violation(
        "poison in a log",
        `an entry was applied that ${operation.how}`,
      );
    case "cas": {
      const matched = before === String(operation.expected);
      return {
        value: matched ? String(operation.value) : before,
        answer: matched ? "1" : "0",
      };
    }
  }
}
