import { type Entry, EntryKind } from "../../src/raft/types.ts";
import type { StateEvent, StateEvents } from "../../src/state/port.ts";

const EMPTY = new Uint8Array(0);

/** What a machine without events of its own tells: one for each command. */
export function entryEvents(entries: readonly Entry[]): StateEvents {
  const events: StateEvent[] = entries
    .filter(({ kind }) => kind === EntryKind.command)
    .map(({ index }) => ({ index, seq: 0, kind: "entry", bytes: EMPTY }));
  return {
    count: events.length,
    byteLength: 0,
    [Symbol.iterator]: () => events[Symbol.iterator](),
  };
}
