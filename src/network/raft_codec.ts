import { assert, fail } from "../util/assert.ts";
import { ByteReader, ByteWriter, MalformedBytesError } from "../util/bytes.ts";
import type { AppendEntries, Message } from "../raft/messages.ts";
import {
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  type MemberId,
} from "../raft/types.ts";
import {
  decodeFrame,
  FRAME_HEADER_BYTES,
  FRAME_VERSION,
  FrameKind,
} from "./frame.ts";

/** The longest member id on the wire, bytes of ASCII. */
export const MEMBER_ID_BYTES_MAX = 64;

/** Bytes an entry takes beside its payload: term, kind, length. */
const ENTRY_HEADER_BYTES = 13;

/** Message types on the wire. Old numbers are never reused. */
const MessageCode = {
  requestVote: 1,
  voteReply: 2,
  appendEntries: 3,
  appendReply: 4,
  heartbeat: 5,
  heartbeatReply: 6,
  readIndex: 7,
  readIndexReply: 8,
  timeoutNow: 9,
} as const;

const PRE_VOTE = 1;
const TRANSFER = 2;
const GRANTED = 2;

const small = new ByteWriter(256);

/**
 * Encodes a message of a Raft group as one frame. The entries of an
 * AppendEntries are given separately, because the core emits the range only;
 * `last` becomes the last entry that is really included.
 */
export function encodeMessage(
  group: number,
  message: Message,
  entries?: readonly Entry[],
): Uint8Array {
  if (message.type === "appendEntries") {
    return encodeAppend(group, message, entries ?? message.entries);
  }
  assert(
    message.type !== "snapshotReceived",
    "snapshotReceived never travels",
  );
  small.reset();
  writeEnvelope(small, group, message);
  switch (message.type) {
    case "requestVote":
      small.u8(
        (message.preVote ? PRE_VOTE : 0) | (message.transfer ? TRANSFER : 0),
      );
      writeLogId(small, message.lastLog);
      break;
    case "voteReply":
      small.u8(
        (message.preVote ? PRE_VOTE : 0) | (message.granted ? GRANTED : 0),
      );
      break;
    case "appendReply":
      small.u8(message.ok ? 1 : 0).u53(message.index);
      writeLogId(small, message.hint);
      break;
    case "heartbeat":
      small.u53(message.commit).u53(message.round).u53(message.clockMs);
      break;
    case "heartbeatReply":
      small.u53(message.round);
      break;
    case "readIndex":
      small.u53(message.requestId);
      break;
    case "readIndexReply":
      small.u53(message.requestId).u8(message.index === null ? 0 : 1)
        .u53(message.index ?? 0);
      break;
    case "timeoutNow":
      break;
  }
  return small.finish();
}

/**
 * Decodes a frame of kind raft. Payloads are views into it.
 * @throws {MalformedBytesError} for anything {@linkcode encodeMessage} would not write.
 * @throws {UnsupportedVersionError} if another release wrote it.
 */
export function decodeMessage(
  bytes: Uint8Array,
): { group: number; message: Message } {
  const { kind } = decodeFrame(bytes);
  if (kind !== FrameKind.raft) {
    throw new MalformedBytesError(`not a Raft message but frame kind ${kind}`);
  }
  const reader = new ByteReader(bytes, FRAME_HEADER_BYTES);
  const code = reader.u8();
  const group = reader.u32();
  const envelope = {
    term: reader.u53(),
    from: readMember(reader),
    to: readMember(reader),
  };
  const message = readBody(reader, code, envelope);
  reader.end();
  return { group, message };
}

function encodeAppend(
  group: number,
  message: AppendEntries,
  entries: readonly Entry[],
): Uint8Array {
  let size = 64 + message.from.length + message.to.length;
  for (const entry of entries) {
    size += ENTRY_HEADER_BYTES + entry.payload.length;
  }
  // Sized at once and handed out without a copy: entries are copied only here.
  const writer = new ByteWriter(size);
  writeEnvelope(writer, group, message);
  writeLogId(writer, message.prev);
  writer.u53(message.commit).u32(entries.length);
  let index = message.prev.index;
  for (const entry of entries) {
    if (entry.index !== ++index) {
      fail(`entry ${entry.index} where ${index} belongs`);
    }
    writer.u53(entry.term).u8(entry.kind).bytes(entry.payload);
  }
  return writer.view();
}

function writeEnvelope(
  writer: ByteWriter,
  group: number,
  message: Exclude<Message, { type: "snapshotReceived" }>,
): void {
  writer.u8(FrameKind.raft).u8(FRAME_VERSION);
  writer.u8(MessageCode[message.type]).u32(group).u53(message.term);
  writeMember(writer, message.from);
  writeMember(writer, message.to);
}

function writeLogId(writer: ByteWriter, id: LogId): void {
  writer.u53(id.term).u53(id.index);
}

function readBody(
  reader: ByteReader,
  code: number,
  envelope: { term: number; from: MemberId; to: MemberId },
): Message {
  switch (code) {
    case MessageCode.requestVote: {
      const flags = readFlags(reader, PRE_VOTE | TRANSFER);
      return {
        type: "requestVote",
        ...envelope,
        preVote: (flags & PRE_VOTE) !== 0,
        transfer: (flags & TRANSFER) !== 0,
        lastLog: readLogId(reader),
      };
    }
    case MessageCode.voteReply: {
      const flags = readFlags(reader, PRE_VOTE | GRANTED);
      return {
        type: "voteReply",
        ...envelope,
        preVote: (flags & PRE_VOTE) !== 0,
        granted: (flags & GRANTED) !== 0,
      };
    }
    case MessageCode.appendEntries:
      return readAppend(reader, envelope);
    case MessageCode.appendReply:
      return {
        type: "appendReply",
        ...envelope,
        ok: readFlags(reader, 1) === 1,
        index: reader.u53(),
        hint: readLogId(reader),
      };
    case MessageCode.heartbeat:
      return {
        type: "heartbeat",
        ...envelope,
        commit: reader.u53(),
        round: reader.u53(),
        clockMs: reader.u53(),
      };
    case MessageCode.heartbeatReply:
      return { type: "heartbeatReply", ...envelope, round: reader.u53() };
    case MessageCode.readIndex:
      return { type: "readIndex", ...envelope, requestId: reader.u53() };
    case MessageCode.readIndexReply:
      return {
        type: "readIndexReply",
        ...envelope,
        requestId: reader.u53(),
        index: readOptionalIndex(reader),
      };
    case MessageCode.timeoutNow:
      return { type: "timeoutNow", ...envelope };
    default:
      throw new MalformedBytesError(`unknown message type ${code}`);
  }
}

function readAppend(
  reader: ByteReader,
  envelope: { term: number; from: MemberId; to: MemberId },
): AppendEntries {
  const prev = readLogId(reader);
  const commit = reader.u53();
  const count = reader.u32();
  const last = prev.index + count;
  if (count * ENTRY_HEADER_BYTES > reader.remaining) {
    throw new MalformedBytesError(
      `${count} entries in ${reader.remaining} bytes`,
    );
  }
  if (!Number.isSafeInteger(last)) {
    throw new MalformedBytesError(`${count} entries after ${prev.index}`);
  }
  const entries: Entry[] = [];
  for (let index = prev.index + 1; index <= last; index++) {
    const term = reader.u53();
    const kind = readEntryKind(reader);
    entries.push({ index, term, kind, payload: reader.bytes() });
  }
  return { type: "appendEntries", ...envelope, prev, last, commit, entries };
}

function readEntryKind(reader: ByteReader): EntryKind {
  const kind = reader.u8();
  switch (kind) {
    case EntryKind.noop:
    case EntryKind.command:
    case EntryKind.config:
      return kind;
    default:
      throw new MalformedBytesError(`unknown entry kind ${kind}`);
  }
}

function readLogId(reader: ByteReader): LogId {
  return { term: reader.u53(), index: reader.u53() };
}

function readOptionalIndex(reader: ByteReader): LogIndex | null {
  const present = readFlags(reader, 1) === 1;
  const index = reader.u53();
  if (!present && index !== 0) {
    throw new MalformedBytesError(`index ${index} of an absent answer`);
  }
  return present ? index : null;
}

function readFlags(reader: ByteReader, known: number): number {
  const flags = reader.u8();
  if ((flags & ~known) !== 0) {
    throw new MalformedBytesError(`unknown flags ${flags}`);
  }
  return flags;
}

/** Member ids are short ASCII; a text decoder would cost more than the rest of the message. */
function writeMember(writer: ByteWriter, member: MemberId): void {
  assert(
    member.length <= MEMBER_ID_BYTES_MAX,
    `a member id has at most ${MEMBER_ID_BYTES_MAX} bytes: ${member}`,
  );
  writer.u8(member.length);
  for (let i = 0; i < member.length; i++) {
    const code = member.charCodeAt(i);
    assert(code < 0x80, `a member id is ASCII: ${member}`);
    writer.u8(code);
  }
}

function readMember(reader: ByteReader): MemberId {
  const length = reader.u8();
  if (length > MEMBER_ID_BYTES_MAX) {
    throw new MalformedBytesError(
      `a member id has at most ${MEMBER_ID_BYTES_MAX} bytes, found ${length}`,
    );
  }
  let member = "";
  for (const code of reader.raw(length)) {
    if (code >= 0x80) throw new MalformedBytesError("a member id is ASCII");
    member += String.fromCharCode(code);
  }
  return member;
}
