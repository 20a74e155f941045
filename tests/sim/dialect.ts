import { decodeAnswer } from "../../src/state/answer.ts";
import {
  decodeEnvelope,
  NO_IDENTITY,
  writeEnvelope,
} from "../../src/state/envelope.ts";
import type { StateEvent } from "../../src/state/port.ts";
import { ByteReader, ByteWriter } from "../../src/util/bytes.ts";
import type { Entry, LogIndex } from "../../src/raft/types.ts";
import type { Operation, SimAnswer, SimCommand } from "./command.ts";
import {
  hashKvAnswer,
  KvModel,
  type Model,
  operate,
  writeOperation,
} from "./kv_model.ts";

/** What a proposal carries beside what it asks for. */
export interface Mark {
  /** Counts proposals over all clients. */
  readonly attempt: number;
  /** Bytes to make it bigger by. */
  readonly padding: number;
}

/** What an operation makes of a key's value, and how it is answered. */
export interface Outcome {
  readonly value: string;
  readonly answer: string;
}

/** A read of a key that did not go through the log. */
export interface SeenRead {
  readonly key: number;
  readonly value: string;
  /** The last entry that it certainly saw. */
  readonly from: LogIndex;
  /** The last one that it may have seen. */
  readonly to: LogIndex;
}

/** All that happened, for a dialect that knows more than the clients' story. */
export interface Judged {
  readonly entries: readonly Entry[];
  /** One for each entry. */
  readonly answers: readonly Uint8Array[];
  readonly reads: readonly SeenRead[];
  /** What the entries tell of, from a model that tells anything. */
  readonly events: readonly StateEvent[];
  /** The state in the end. */
  readonly dump: string;
}

/** What is a state machine's own in commands and answers. */
export interface Dialect {
  write(writer: ByteWriter, operation: Operation, mark: Mark): void;
  /** The attempt that {@linkcode write} wrote, or that the entry's key tells. */
  attemptOf(body: Uint8Array, key: string): number;
  /** The value in an answer. */
  valueOf(body: Uint8Array): string;
  /** What an operation makes of a key's value, and how it is answered, in a sequential program. */
  operate(operation: Operation, before: string): Outcome;
  /** All that may become of it, if something else than the operations of the key has a say. Values have no "|". */
  readonly outcomes?: (operation: Operation, before: string) => Outcome[];
  /** The hash that an entry carries of its answer, and of what it tells. */
  hash(answer: Uint8Array, events: readonly StateEvent[]): number;
  /** A state machine's inside, from what {@linkcode Model.encode} wrote, or empty. */
  model(bytes: Uint8Array): Model;
  /**
   * Looks at everything that was committed.
   * @throws {Violation} if it is not as it should be.
   */
  readonly judge?: (judged: Judged) => void;
  close(): void;
}

/** The plain key-value model. */
export const KV_DIALECT: Dialect = {
  write: (writer, operation, { attempt, padding }) => {
    writer.u53(attempt);
    writeOperation(writer, operation);
    writer.raw(new Uint8Array(padding));
  },
  attemptOf: (body) => new ByteReader(body).u53(),
  valueOf: (body) => new ByteReader(body).text(),
  operate,
  hash: hashKvAnswer,
  model: (bytes) => new KvModel(bytes),
  close: () => {},
};

/** A command in its envelope, without a stamp. Whoever opens a session, or tells the time, leaves the attempt where a machine's bytes would be. */
export function encodeCommand(
  dialect: Dialect,
  command: SimCommand,
  mark: Mark,
): Uint8Array {
  const writer = new ByteWriter(128 + mark.padding);
  if (command.kind === "open") {
    writeEnvelope(
      writer,
      "openSession",
      NO_IDENTITY,
      (body) => body.u53(mark.attempt),
    );
  } else {
    const { session, operation } = command;
    const sequence = session > 0 ? command.sequence : 0;
    writeEnvelope(
      writer,
      "command",
      { ...NO_IDENTITY, session, sequence },
      (body) => dialect.write(body, operation, mark),
    );
  }
  return writer.finish();
}

/** Stands for whatever attempt was kept out of the log. */
export const STAND_IN = 0;

/** Which attempt a command was. */
export function attemptOf(dialect: Dialect, payload: Uint8Array): number {
  const { kind, body, idempotencyKey } = decodeEnvelope(payload);
  if (kind === "refusal") return STAND_IN;
  return kind === "openSession" || kind === "clock"
    ? new ByteReader(body).u53()
    : dialect.attemptOf(body, idempotencyKey);
}

/** What an encoded answer says. */
export function readAnswer(dialect: Dialect, bytes: Uint8Array): SimAnswer {
  const { index, refusal, body } = decodeAnswer(bytes);
  if (refusal?.code === "session_expired") return { kind: "expired" };
  if (
    refusal?.code === "timeout" || refusal?.code === "internal" ||
    refusal?.code === "too_large"
  ) return { kind: "kept out" };
  if (refusal !== null) throw new Error(`refused: ${refusal.message}`);
  if (body.length === 0) return { kind: "opened", session: index };
  return { kind: "done", value: dialect.valueOf(body) };
}
