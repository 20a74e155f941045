import type { BackupRecord } from "../../state/backups/types.ts";
import type { LockCounts } from "../../state/locks/types.ts";
import type { CacheReport } from "../port.ts";

/** Of each cache. */
export const OF_CACHES: readonly (readonly [
  name: string,
  type: "gauge" | "counter",
  help: string,
  value: (cache: CacheReport) => number,
])[] = [
  ["cache_entries", "gauge", "Entries", ({ entries }) => entries],
  ["cache_counters", "gauge", "Counters", ({ counters }) => counters],
  [
    "cache_bytes",
    "gauge",
    "Bytes of keys and values, and 64 for each entry and counter",
    ({ bytes }) => bytes,
  ],
  [
    "cache_hits_total",
    "counter",
    "Reads of this member that found their entry",
    ({ hits }) => hits,
  ],
  [
    "cache_misses_total",
    "counter",
    "Reads of this member that did not",
    ({ misses }) => misses,
  ],
  [
    "cache_expired_total",
    "counter",
    "Entries that went because their time was over",
    ({ expired }) => expired,
  ],
  [
    "cache_evicted_total",
    "counter",
    "Entries that made room for others",
    ({ evicted }) => evicted,
  ],
];

/** Of leases and locks. */
export const OF_LOCKS: readonly (readonly [
  name: string,
  type: "gauge" | "counter",
  help: string,
  value: (counts: LockCounts) => number,
])[] = [
  ["leases", "gauge", "Leases of locks", ({ leases }) => leases],
  ["locks_held", "gauge", "Holders of locks", ({ held }) => held],
  [
    "locks_waiting",
    "gauge",
    "Those who wait for a lock",
    ({ waiting }) => waiting,
  ],
  [
    "locks_granted_total",
    "counter",
    "Grants of locks that this member applied",
    ({ granted }) => granted,
  ],
  [
    "locks_expired_total",
    "counter",
    "Locks that went because their time was over",
    ({ expired }) => expired,
  ],
  [
    "writes_fenced_total",
    "counter",
    "Writes that did nothing because their lock was not held any more",
    ({ fenced }) => fenced,
  ],
];

/** Of the last backups: of a cluster without any, zero. */
export const OF_BACKUPS: readonly [
  name: string,
  help: string,
  value: (backups: readonly BackupRecord[]) => number,
][] = [
  [
    "backup_last_success_timestamp_seconds",
    "When the last backup was taken, Unix seconds",
    (backups) => (lastTaken(backups)?.ended ?? 0) / 1000,
  ],
  [
    "backup_last_size_bytes",
    "Size of the last backup that was taken",
    (backups) => lastTaken(backups)?.contents?.size ?? 0,
  ],
  [
    "backup_last_index",
    "The last entry in the last backup that was taken",
    (backups) => lastTaken(backups)?.contents?.index ?? 0,
  ],
  [
    "backups_failed",
    "Backups among the last hundred that were not taken",
    (backups) => backups.filter(({ state }) => state === "failed").length,
  ],
  [
    "backup_last_verified_timestamp_seconds",
    "When a backup was last found to be good, Unix seconds",
    (backups) =>
      Math.max(
        0,
        ...backups.map(({ checked }) =>
          checked?.problem === null ? checked.at / 1000 : 0
        ),
      ),
  ],
  [
    "backups_bad",
    "Backups among the last hundred that were found not to be good",
    (backups) =>
      backups.filter(({ checked }) => (checked?.problem ?? null) !== null)
        .length,
  ],
  [
    "backup_running",
    "Whether a backup is being taken",
    (backups) => backups.at(-1)?.state === "running" ? 1 : 0,
  ],
];

function lastTaken(
  backups: readonly BackupRecord[],
): BackupRecord | undefined {
  return backups.findLast(({ state }) => state === "done");
}
