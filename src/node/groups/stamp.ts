import {
  isCommand,
  peekSequence,
  stampEnvelope,
} from "../../state/envelope.ts";
import type { Clock } from "../../util/clock.ts";
import { type Random, SeededRandom } from "../../util/random.ts";

/** A time that stands still and chance that repeats itself, for what people write. */
export interface WrittenChance {
  /** Ms since the Unix epoch. */
  readonly nowMs: number;
  /** Where chance begins; any safe integer. */
  readonly seed: number;
}

/** An odd number without a pattern in its bits (the golden ratio of 32 bits), so that seeds in a row begin far apart. */
const APART = 0x9e3779b1;

/** What a leader stamps envelopes with beside its cluster clock: wall time and randomness. See `GroupPorts.stamp`. */
export function envelopeStamp(
  clock: Clock,
  random: Random,
  written?: WrittenChance,
): (payload: Uint8Array, clockMs: number) => void {
  return (payload, clockMs) => {
    // Entries of the member itself come when they come: chance that repeats itself is not for them. What is proposed
    // again, because leadership was lost meanwhile, has the chance that it had.
    const chance = written !== undefined && isCommand(payload)
      ? chanceOf(written.seed, peekSequence(payload))
      : random;
    stampEnvelope(payload, {
      clockMs,
      timeMs: written?.nowMs ?? Math.floor(clock.wall()),
      seedA: chance.uint32(),
      seedB: chance.uint32(),
    });
  };
}

/** The chance of the write that has this number in its session. */
function chanceOf(seed: number, sequence: number): Random {
  return new SeededRandom((seed + sequence * APART) % Number.MAX_SAFE_INTEGER);
}
