import {
  attemptOf,
  decodeAnswer,
  encodeCommand,
  type SimAnswer,
  type SimCommand,
} from "./command.ts";
import { KvModel, type Model } from "./kv_model.ts";

/** What an encoded command carries beside what it asks for. */
export interface Stamp {
  /** Counts proposals over all clients. */
  readonly attempt: number;
  /** Bytes to make the command bigger by. */
  readonly padding: number;
  /** The wall clock of the member it is proposed on. */
  readonly timeMs: number;
}

/** How clients and state machine speak with each other. */
export interface Dialect {
  encode(command: SimCommand, stamp: Stamp): Uint8Array;
  decode(answer: Uint8Array): SimAnswer;
  /** The attempt of an encoded command. */
  attemptOf(payload: Uint8Array): number;
  /** A state machine's inside, from what {@linkcode Model.encode} wrote, or empty. */
  model(bytes: Uint8Array): Model;
  close(): void;
}

/** The plain key-value model. */
export const KV_DIALECT: Dialect = {
  encode: (command, { attempt, padding }) =>
    encodeCommand(command, attempt, padding),
  decode: decodeAnswer,
  attemptOf,
  model: (bytes) => new KvModel(bytes),
  close: () => {},
};
