import type { MemberReport } from "../../src/node/telemetry_port.ts";

const TIMES = { count: 10, p50Ms: 1, p99Ms: 4, maxMs: 3.5 };

/** A report of a follower that is well, but for what is given. */
export function report(
  nodeId: number,
  given: Partial<MemberReport> = {},
): MemberReport {
  return {
    member: `${nodeId}.00000000000000ab`,
    nodeId,
    version: "1.2.3",
    atMs: 1_800_000_000_000,
    uptimeMs: 60_000,
    role: "voter",
    leader: "9.00000000000000ab",
    term: 7,
    lastIndex: 120,
    commitIndex: 110,
    appliedIndex: 100,
    contactMs: 12.5,
    peers: [{ nodeId: 9, contactMs: 12.5, rttMs: 0.4 }],
    fsync: TIMES,
    commit: TIMES,
    query: null,
    writes: 1000,
    writesFailed: 3,
    queries: 500,
    leaderChanges: 1,
    dbBytes: 4096,
    walBytes: 0,
    logBytes: 8192,
    diskFreeBytes: 1e12,
    pending: 2,
    loopLagMs: 1.5,
    snapshot: "idle",
    checksum: { index: 96, hash: 123 },
    quarantine: null,
    diskFull: false,
    ready: "ok",
    newestEvent: 1_800_000_000_000,
    ...given,
  };
}
