import { stampEnvelope } from "../../state/envelope.ts";
import type { Clock } from "../../util/clock.ts";
import type { Random } from "../../util/random.ts";

/** What a leader stamps envelopes with beside its cluster clock: wall time and randomness. See `GroupPorts.stamp`. */
export function envelopeStamp(
  clock: Clock,
  random: Random,
): (payload: Uint8Array, clockMs: number) => void {
  return (payload, clockMs) =>
    stampEnvelope(payload, {
      clockMs,
      timeMs: Math.floor(clock.wall()),
      seedA: random.uint32(),
      seedB: random.uint32(),
    });
}
