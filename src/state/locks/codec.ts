import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import type {
  LeaseChoice,
  LockAnswer,
  LockBound,
  LockFence,
  LockOperation,
  LockWish,
} from "./types.ts";

/** Numbers are never used again for something else. */
const OPERATIONS: readonly LockOperation["kind"][] = [
  "open",
  "renew",
  "end",
  "acquire",
  "claim",
  "release",
  "extend",
  "cancel",
];

const ANSWERS: readonly LockAnswer["kind"][] = [
  "leased",
  "granted",
  "waiting",
  "held",
  "lost",
  "released",
  "mismatch",
  "full",
];

/** The first byte of an answer; those of SQL begin with 0 or 1. */
const LOCK_ANSWER = 2;

const BOUNDS: readonly LockBound[] = [
  "leases",
  "holders",
  "waiters",
  "waitersOfLock",
];

/** Appends what an entry asks of the locks. */
export function writeLockOperation(
  writer: ByteWriter,
  operation: LockOperation,
): void {
  writer.u8(OPERATIONS.indexOf(operation.kind));
  switch (operation.kind) {
    case "open":
      writer.u32(operation.ttlMs).text(operation.owner);
      return;
    case "renew":
    case "end":
      writer.u53(operation.lease);
      return;
    case "acquire":
      return writeWish(writer, operation.wish);
    case "release":
    case "extend":
      return writeFence(writer, operation);
    case "claim":
    case "cancel":
      writer.text(operation.name).u53(operation.ticket);
  }
}

/**
 * Reads what {@linkcode writeLockOperation} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readLockOperation(reader: ByteReader): LockOperation {
  const kind = kindAt(OPERATIONS, reader.u8());
  switch (kind) {
    case "open":
      return { kind, ttlMs: reader.u32(), owner: reader.text() };
    case "renew":
    case "end":
      return { kind, lease: reader.u53() };
    case "acquire":
      return { kind, wish: readWish(reader) };
    case "release":
    case "extend":
      return { kind, ...readFence(reader) };
    case "claim":
    case "cancel":
      return { kind, name: reader.text(), ticket: reader.u53() };
  }
}

function writeWish(writer: ByteWriter, wish: LockWish): void {
  writer.text(wish.name);
  writeChoice(writer, wish.lease);
  writer.u32(wish.permits).u32(wish.limit).u32(wish.waitMs).text(wish.value);
}

function readWish(reader: ByteReader): LockWish {
  return {
    name: reader.text(),
    lease: readChoice(reader),
    permits: reader.u32(),
    limit: reader.u32(),
    waitMs: reader.u32(),
    value: reader.text(),
  };
}

function writeChoice(writer: ByteWriter, lease: LeaseChoice): void {
  if ("id" in lease) writer.u53(lease.id);
  // No entry has the index 0.
  else writer.u53(0).u32(lease.ttlMs).text(lease.owner);
}

function readChoice(reader: ByteReader): LeaseChoice {
  const id = reader.u53();
  if (id !== 0) return { id };
  return { ttlMs: reader.u32(), owner: reader.text() };
}

/** Appends a fence. */
export function writeFence(
  writer: ByteWriter,
  { name, token }: LockFence,
): void {
  writer.text(name).u53(token);
}

/** Reads what {@linkcode writeFence} wrote. */
export function readFence(reader: ByteReader): LockFence {
  return { name: reader.text(), token: reader.u53() };
}

/** Appends what an entry did to the locks. */
export function writeLockAnswer(writer: ByteWriter, answer: LockAnswer): void {
  writer.u8(LOCK_ANSWER).u8(ANSWERS.indexOf(answer.kind));
  switch (answer.kind) {
    case "leased":
      writer.u53(answer.lease).u32(answer.ttlMs).u53(answer.clockMs);
      return;
    case "granted":
      writer.u53(answer.token).u53(answer.lease).u32(answer.ttlMs);
      return;
    case "waiting":
      writer.u53(answer.ticket);
      return;
    case "held":
      writer.text(answer.owner).u32(answer.waiting);
      return;
    case "lost":
      return;
    case "released":
      writer.u8(answer.found ? 1 : 0);
      return;
    case "mismatch":
      writer.u32(answer.limit);
      return;
    case "full":
      writer.u8(BOUNDS.indexOf(answer.what));
  }
}

/**
 * Decodes what {@linkcode writeLockAnswer} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function decodeLockAnswer(bytes: Uint8Array): LockAnswer {
  const reader = new ByteReader(bytes);
  if (reader.u8() !== LOCK_ANSWER) {
    throw new MalformedBytesError("not an answer about locks");
  }
  const answer = readAnswer(reader, kindAt(ANSWERS, reader.u8()));
  reader.end();
  return answer;
}

function readAnswer(
  reader: ByteReader,
  kind: LockAnswer["kind"],
): LockAnswer {
  switch (kind) {
    case "leased":
      return {
        kind,
        lease: reader.u53(),
        ttlMs: reader.u32(),
        clockMs: reader.u53(),
      };
    case "granted":
      return {
        kind,
        token: reader.u53(),
        lease: reader.u53(),
        ttlMs: reader.u32(),
      };
    case "waiting":
      return { kind, ticket: reader.u53() };
    case "held":
      return { kind, owner: reader.text(), waiting: reader.u32() };
    case "lost":
      return { kind };
    case "released":
      return { kind, found: reader.u8() === 1 };
    case "mismatch":
      return { kind, limit: reader.u32() };
    case "full":
      return { kind, what: kindAt(BOUNDS, reader.u8()) };
  }
}

function kindAt<Kind>(kinds: readonly Kind[], at: number): Kind {
  const kind = kinds[at];
  if (kind !== undefined) return kind;
  throw new MalformedBytesError(`unknown kind ${at} of locks`);
}
