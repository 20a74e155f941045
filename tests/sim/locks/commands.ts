import { decodeAnswer } from "../../../src/state/answer.ts";
import { NO_IDENTITY, writeEnvelope } from "../../../src/state/envelope.ts";
import { decodeLockAnswer } from "../../../src/state/locks/codec.ts";
import type { LockAnswer, LockFence } from "../../../src/state/locks/types.ts";
import {
  type EntryCommand,
  writeCommand,
} from "../../../src/state/sql/command.ts";
import { decodeResult } from "../../../src/state/sql/result.ts";
import type {
  CommandResult,
  WriteNotice,
} from "../../../src/state/sql/types.ts";
import { ByteWriter } from "../../../src/util/bytes.ts";

/** A table that writers guard by locks; its rows announce themselves. */
export const GUARDED = `
CREATE TABLE guarded (
  id INTEGER PRIMARY KEY, lock TEXT NOT NULL, token INTEGER NOT NULL
);
CREATE TRIGGER announced AFTER INSERT ON guarded BEGIN
  SELECT hql_notify('guarded', NEW.lock || ' ' || NEW.token);
END;`;

const INSERT =
  "INSERT INTO guarded (lock, token) VALUES (?1, ?2) RETURNING id, hql_token(?1)";

/** What a client asks for: a session, the time, or what an entry does. */
export type Asked = "session" | "clock" | EntryCommand;

/** How it was answered. */
export type Reply =
  | { readonly kind: "opened"; readonly session: number }
  /** Nothing was done: the session is unknown, or the command was kept out of the log. */
  | { readonly kind: "expired" | "kept out" }
  | { readonly kind: "lock"; readonly answer: LockAnswer }
  | { readonly kind: "sql"; readonly result: CommandResult };

/** A write that is guarded by `fence`, and says which token its writer believes in; `spoiled`: its last statement fails. */
export function guardedWrite(
  fence: LockFence,
  notify: readonly WriteNotice[],
  spoiled: boolean,
): EntryCommand {
  const insert = { sql: INSERT, params: [fence.name, fence.token] };
  const spoils = "INSERT INTO guarded (lock, token) VALUES (NULL, 0)";
  return {
    kind: "txn",
    statements: spoiled ? [insert, { sql: spoils }] : [insert],
    fence,
    ...(notify.length === 0 ? {} : { notify }),
  };
}

/** In its envelope, without a stamp. The attempt is told by a key that no other has. */
export function encodeAsked(
  asked: Asked,
  attempt: number,
  { session, sequence }: {
    readonly session: number;
    readonly sequence: number;
  },
): Uint8Array {
  const writer = new ByteWriter(256);
  if (asked === "session" || asked === "clock") {
    const kind = asked === "session" ? "openSession" : "clock";
    writeEnvelope(writer, kind, NO_IDENTITY, (body) => body.u53(attempt));
  } else {
    const identity = {
      ...NO_IDENTITY,
      session,
      sequence,
      idempotencyKey: String(attempt),
    };
    writeEnvelope(
      writer,
      "command",
      identity,
      (body) => writeCommand(body, asked),
    );
  }
  return writer.finish();
}

/** What an encoded answer says to who asked this. */
export function readReply(asked: Asked, bytes: Uint8Array): Reply {
  const { index, refusal, body } = decodeAnswer(bytes);
  if (refusal?.code === "session_expired") return { kind: "expired" };
  if (
    refusal?.code === "timeout" || refusal?.code === "internal" ||
    refusal?.code === "too_large"
  ) return { kind: "kept out" };
  if (refusal !== null) throw new Error(`refused: ${refusal.message}`);
  if (typeof asked === "string") return { kind: "opened", session: index };
  return asked.kind === "lock"
    ? { kind: "lock", answer: decodeLockAnswer(body) }
    : { kind: "sql", result: decodeResult(body) };
}
