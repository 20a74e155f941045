import type { Entry, EntryKind, LogIndex } from "../raft/types.ts";
import { fail } from "../util/assert.ts";
import {
  ENTRY_BYTES_MAX,
  ENTRY_HEADER_BYTES,
  LOG_FRAME_HEADER_BYTES,
  viewOf,
} from "./frame.ts";

/** Body bytes after which a frame ends, so that reading one entry does not mean reading megabytes. */
const BODY_BYTES_MAX = 128 * 1024;
const KIND_SHIFT = 30;
const LENGTH_MASK = 2 ** KIND_SHIFT - 1;

/** An upper bound of the bytes that entries take on disk, also if each has a frame of its own. */
export function entriesBytesMax(count: number, payloadBytes: number): number {
  return payloadBytes +
    count * (LOG_FRAME_HEADER_BYTES + ENTRY_HEADER_BYTES + 8);
}

/** Where the frame that starts with entry `from` ends: one term, bounded bytes, at least one entry. */
export function frameEnd(
  entries: readonly Entry[],
  from: number,
): { end: number; bodyBytes: number } {
  const { term } = entries[from]!;
  let bodyBytes = 0;
  let end = from;
  while (end < entries.length) {
    const entry = entries[end]!;
    if (entry.term !== term) break;
    const bytes = ENTRY_HEADER_BYTES + entry.payload.length;
    if (end > from && bodyBytes + bytes > BODY_BYTES_MAX) break;
    bodyBytes += bytes;
    end++;
  }
  return { end, bodyBytes };
}

/** Writes entries `from … end - 1` as a frame's body at `at`. */
export function writeEntries(
  bytes: Uint8Array,
  view: DataView,
  at: number,
  entries: readonly Entry[],
  from: number,
  end: number,
): void {
  for (let i = from; i < end; i++) {
    const { kind, payload } = entries[i]!;
    if (payload.length > ENTRY_BYTES_MAX) {
      fail(
        `an entry of ${payload.length} bytes is over the limit of ${ENTRY_BYTES_MAX}`,
      );
    }
    view.setUint32(at, ((kind << KIND_SHIFT) | payload.length) >>> 0, true);
    bytes.set(payload, at + ENTRY_HEADER_BYTES);
    at += ENTRY_HEADER_BYTES + payload.length;
  }
}

/**
 * Calls `visit` for each of the `count` entries in a frame's body; returns
 * whether the body was well-formed.
 */
export function visitEntries(
  body: Uint8Array,
  count: number,
  visit: (kind: EntryKind, payload: Uint8Array) => void,
): boolean {
  const view = viewOf(body);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + ENTRY_HEADER_BYTES > body.length) return false;
    const word = view.getUint32(at, true);
    const start = at + ENTRY_HEADER_BYTES;
    at = start + (word & LENGTH_MASK);
    if (at > body.length) return false;
    const kind = word >>> KIND_SHIFT;
    if (kind > 2) return false;
    visit(kind as EntryKind, body.subarray(start, at));
  }
  return at === body.length;
}

/** The entries of a frame, or null if its body is malformed. Payloads are views of `body`. */
export function decodeEntries(
  body: Uint8Array,
  { first, count, term }: { first: LogIndex; count: number; term: number },
): Entry[] | null {
  const entries: Entry[] = [];
  const ok = visitEntries(body, count, (kind, payload) => {
    entries.push({ index: first + entries.length, term, kind, payload });
  });
  return ok ? entries : null;
}
