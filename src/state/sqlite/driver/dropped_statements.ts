import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

/** Below this a statement's memory does not matter. */
const LONG_CHARS = 16 * 1024;
/** A statement takes about ten bytes for each character of a long text: 80 MB. */
const CHARS_PER_COLLECTION = 8 * 1024 * 1024;

let collect: (() => void) | null = null;
let compiled = 0;

/**
 * Notes that a statement was compiled by a driver that cannot free one: `node:sqlite` leaves that to the
 * garbage collector, which sees a few hundred bytes where there are megabytes, and so does not come for gigabytes.
 */
export function noteCompiled(chars: number): void {
  if (chars < LONG_CHARS) return;
  compiled += chars;
  if (compiled < CHARS_PER_COLLECTION) return;
  compiled = 0;
  collect ??= collector();
  collect();
}

function collector(): () => void {
  setFlagsFromString("--expose-gc");
  const gc: unknown = runInNewContext("typeof gc === 'function' ? gc : null");
  return gc === null ? () => {} : gc as () => void;
}
