import { NO_LOCKS } from "../state/locks/types.ts";
import type { NodeParts } from "./parts.ts";
import { type MetricsParts, renderMetrics } from "./report/metrics.ts";
import type { Rooms } from "./rooms.ts";

/** What a member's rooms tell of themselves, as metrics. */
export function memberMetrics(
  rooms: Rooms,
  { engine, listeners, vault, measures }: Pick<
    NodeParts,
    "engine" | "listeners" | "vault" | "measures"
  >,
  said: Pick<MetricsParts, "cluster" | "ready">,
): string {
  const takesPart = rooms.durable.group !== null;
  return renderMetrics({
    ...said,
    told: {
      telemetry: rooms.telemetry,
      measures,
      writes: rooms.database.writes,
      queries: rooms.database.queries,
      loopLag: rooms.pulse.lags.all,
      stateDiffers: rooms.greeting.disagreements.detail !== null,
    },
    groups: rooms.groups,
    outstandingWrites: rooms.groups.outstanding,
    loopLagMs: rooms.pulse.worstLagMs,
    droppedFrames: rooms.router.dropped,
    refusedConnections: rooms.network.refusals,
    engine,
    enginesDiffer: rooms.engines.differing,
    divergences: rooms.greeting.disagreements.total,
    caches: rooms.caches?.service.stats() ?? [],
    live: rooms.database.live.counts,
    topics: rooms.topics.report(),
    locks: takesPart ? vault.storage.machine.locks.counts : NO_LOCKS,
    listeners: listeners(),
    backups: takesPart ? rooms.backups.list() : [],
    archivedThrough: takesPart ? rooms.backups.archivedThrough() : null,
  });
}
