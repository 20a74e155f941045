import { decodeConfiguration } from "../../../src/raft/configuration.ts";
import type { Persist, RaftInit } from "../../../src/raft/io.ts";
import {
  type Entry,
  EntryKind,
  type HardState,
  type MemberId,
  type SnapshotMeta,
} from "../../../src/raft/types.ts";

/** What is on a member's disk: everything a core is started from. */
export interface Disk {
  hardState: HardState;
  base: SnapshotMeta;
  entries: Entry[];
}

/** What a member that starts from this disk begins with. */
export function initFrom(
  id: MemberId,
  { hardState, base, entries }: Disk,
): RaftInit {
  return {
    id,
    hardState,
    base,
    entries: entries.map(({ index, term, payload }) => ({
      index,
      term,
      bytes: payload.length,
    })),
    configs: entries.filter(({ kind }) => kind === EntryKind.config).map((
      { index, payload },
    ) => ({ index, config: decodeConfiguration(payload) })),
    applied: base.last.index,
  };
}

/** A write becomes durable. */
export function persistTo(
  disk: Disk,
  { hardState, truncateAfter, entries }: Persist,
): void {
  if (hardState !== undefined) disk.hardState = hardState;
  const base = disk.base.last.index;
  if (truncateAfter !== undefined) {
    disk.entries = disk.entries.filter((entry) => entry.index <= truncateAfter);
  }
  for (const entry of entries) {
    if (entry.index > base) disk.entries.push(entry);
  }
}
