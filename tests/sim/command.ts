import { ByteReader, ByteWriter } from "../../src/util/bytes.ts";

/** What a simulated client can ask of a key. */
export type Operation =
  | { readonly kind: "put"; readonly key: number; readonly value: number }
  | {
    readonly kind: "cas";
    readonly key: number;
    readonly expected: number;
    readonly value: number;
  }
  | { readonly kind: "append"; readonly key: number; readonly value: number }
  | { readonly kind: "read"; readonly key: number };

/** A command as it stands in the log. Reads may go through the log, too. */
export type SimCommand =
  | { readonly kind: "open" }
  | {
    readonly kind: "operation";
    /** 0 for none: then a retry would apply twice. */
    readonly session: number;
    readonly sequence: number;
    readonly operation: Operation;
  };

/** What the state machine answers. */
export type SimAnswer =
  | { readonly kind: "opened"; readonly session: number }
  /** Nothing was applied: the session is forgotten, or the sequence is old. */
  | { readonly kind: "expired" }
  /** `value`: the key's value before (put, append) or now (read); for cas whether it matched (1, 0). */
  | { readonly kind: "done"; readonly value: string };

const KINDS = ["put", "cas", "append", "read"] as const;

/** Bytes of a command, sent for the `attempt`-th time over all clients; `padding` makes it bigger. */
export function encodeCommand(
  command: SimCommand,
  attempt: number,
  padding = 0,
): Uint8Array {
  const writer = new ByteWriter(64 + padding).u53(attempt);
  if (command.kind === "open") return writer.u8(0).finish();
  const { operation } = command;
  writer.u8(1).u53(command.session).u53(command.sequence)
    .u8(KINDS.indexOf(operation.kind)).u53(operation.key)
    .u53("value" in operation ? operation.value : 0)
    .u53("expected" in operation ? operation.expected : 0);
  return writer.raw(new Uint8Array(padding)).finish();
}

/** Which attempt a command was. */
export function attemptOf(bytes: Uint8Array): number {
  return new ByteReader(bytes).u53();
}

/** The command in `bytes`. */
export function decodeCommand(bytes: Uint8Array): SimCommand {
  const reader = new ByteReader(bytes);
  reader.u53();
  if (reader.u8() === 0) return { kind: "open" };
  const session = reader.u53();
  const sequence = reader.u53();
  const kind = KINDS[reader.u8()]!;
  const key = reader.u53();
  const value = reader.u53();
  const expected = reader.u53();
  const operation: Operation = kind === "read"
    ? { kind, key }
    : kind === "cas"
    ? { kind, key, expected, value }
    : { kind, key, value };
  return { kind: "operation", session, sequence, operation };
}

/** Bytes of an answer. */
export function encodeAnswer(answer: SimAnswer): Uint8Array {
  const writer = new ByteWriter(32);
  if (answer.kind === "opened") {
    return writer.u8(0).u53(answer.session).finish();
  }
  if (answer.kind === "expired") return writer.u8(1).finish();
  return writer.u8(2).text(answer.value).finish();
}

/** The answer in `bytes`. */
export function decodeAnswer(bytes: Uint8Array): SimAnswer {
  const reader = new ByteReader(bytes);
  switch (reader.u8()) {
    case 0:
      return { kind: "opened", session: reader.u53() };
    case 1:
      return { kind: "expired" };
    default:
      return { kind: "done", value: reader.text() };
  }
}
