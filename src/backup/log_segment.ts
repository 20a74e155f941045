import { HiqliteError } from "../errors.ts";
import type { Entry, EntryKind } from "../raft/types.ts";
import { ByteReader, ByteWriter, MalformedBytesError } from "../util/bytes.ts";
import { type ArchiveName, archiveName } from "./names.ts";

/** `HQLS`. */
const MAGIC = 0x534c5148;
const VERSION = 1;
const DIGEST_BYTES = 32;
const KIND_MAX = 2;

/** A part of a cluster's log that is archived: entries that follow on one another. */
export interface LogSegment {
  readonly clusterId: string;
  /** The term of the entry before the first. */
  readonly termBefore: number;
  /** One at least. */
  readonly entries: readonly Entry[];
  /** When the newest entry was written, Unix milliseconds; 0 if none says. */
  readonly timeMs: number;
  /** The state's hash after the last entry; null where a part ends that only the next one's hash covers. */
  readonly hash: number | null;
}

/** The name under which a segment is stored: equal for equal entries. */
export function archivedName(
  { clusterId, entries, timeMs }: LogSegment,
): string {
  const last = entries.at(-1)!;
  return archiveName({
    clusterId,
    first: entries[0]!.index,
    last: last.index,
    term: last.term,
    timeMs,
  });
}

/** A segment as bytes, which end with their SHA-256. */
export async function encodeSegment(
  { clusterId, termBefore, entries, timeMs, hash }: LogSegment,
): Promise<Uint8Array<ArrayBuffer>> {
  const payloads = entries.reduce(
    (sum, { payload }) => sum + payload.length,
    0,
  );
  const writer = new ByteWriter(payloads + 16 * entries.length + 256);
  writer.u32(MAGIC).u8(VERSION).text(clusterId);
  writer.u53(entries[0]!.index).u32(entries.length).u53(termBefore);
  writer.u53(timeMs).u8(hash === null ? 0 : 1).u32(hash ?? 0);
  for (const { term, kind, payload } of entries) {
    writer.u53(term).u8(kind).bytes(payload);
  }
  const body = writer.finish();
  const bytes = new Uint8Array(body.length + DIGEST_BYTES);
  bytes.set(body);
  bytes.set(await digest(body), body.length);
  return bytes;
}

/**
 * Reads what {@linkcode encodeSegment} made and was stored as `name`. Payloads are views of `bytes`.
 * @throws {HiqliteError} `storage` if it is damaged, or not what its name says.
 */
export async function decodeSegment(
  bytes: Uint8Array<ArrayBuffer>,
  name: ArchiveName,
): Promise<LogSegment> {
  const end = bytes.length - DIGEST_BYTES;
  const body = bytes.subarray(0, Math.max(0, end));
  if (end < 0 || !equal(await digest(body), bytes.subarray(end))) {
    throw unusableSegment(name, "its SHA-256 is another one");
  }
  let segment: LogSegment;
  try {
    segment = read(new ByteReader(body));
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    throw unusableSegment(name, error.message);
  }
  if (archivedName(segment) === archiveName(name)) return segment;
  throw unusableSegment(
    name,
    `it holds what ${archivedName(segment)} shall hold`,
  );
}

/** Why a segment cannot be replayed. */
export function unusableSegment(
  name: ArchiveName,
  reason: string,
): HiqliteError {
  return new HiqliteError(
    "storage",
    `The archived entries ${name.first} to ${name.last} (${
      archiveName(name)
    }) cannot be used: ${reason}. Index ${
      name.first - 1
    } can be reached without them: --to-index ${name.first - 1}`,
  );
}

function read(reader: ByteReader): LogSegment {
  if (reader.u32() !== MAGIC || reader.u8() !== VERSION) {
    throw new MalformedBytesError("no segment that this release reads");
  }
  const clusterId = reader.text();
  const first = reader.u53();
  const count = reader.u32();
  const termBefore = reader.u53();
  const timeMs = reader.u53();
  const hashed = reader.u8() === 1;
  const hash = reader.u32();
  const entries: Entry[] = [];
  for (let at = 0; at < count; at++) {
    const term = reader.u53();
    const kind = reader.u8();
    if (kind > KIND_MAX) throw new MalformedBytesError("no kind of an entry");
    const payload = reader.bytes();
    entries.push({ index: first + at, term, kind: kind as EntryKind, payload });
  }
  reader.end();
  if (count === 0) throw new MalformedBytesError("it has no entries");
  return {
    clusterId,
    termBefore,
    entries,
    timeMs,
    hash: hashed ? hash : null,
  };
}

async function digest(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, at) => byte === b[at]);
}
