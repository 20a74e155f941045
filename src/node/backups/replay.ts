import { decodeSegment, unusableSegment } from "../../backup/log_segment.ts";
import type { ArchiveName } from "../../backup/names.ts";
import type { Point, RestorePlan } from "../../backup/point_in_time.ts";
import { type Entry, EntryKind } from "../../raft/types.ts";
import { peekTime } from "../../state/envelope.ts";
import type { SqlMachine } from "../../state/sql/port.ts";
import type { StatePosition } from "../../state/port.ts";

/** So many bytes of entries are applied in one transaction, and one entry more. */
const BATCH_BYTES = 1024 * 1024;
/** So many entries at most. */
const BATCH_ENTRIES = 512;

/** Archived log that is applied onto a backup. */
export interface LogReplay {
  readonly plan: RestorePlan;
  /** A segment's bytes as they were stored. */
  read(name: ArchiveName): Promise<Uint8Array<ArrayBuffer>>;
  /** Hears what is being done. */
  progress(line: string): void;
}

/**
 * Applies archived entries up to a point, as members do; how far the state is then. It compares on the way: each segment with the one before, each
 * answer with its leader's, the state's hash with the leader's.
 * @throws {HiqliteError} `storage` if a segment is missing, damaged or does not follow; nothing of `machine` counts then.
 */
export async function replayLog(
  machine: SqlMachine,
  { plan: { segments, point, base }, read, progress }: LogReplay,
): Promise<StatePosition> {
  let timeMs = base.timeMs;
  for (const [at, name] of segments.entries()) {
    if (at % PROGRESS_EVERY === 0) {
      progress(
        `Replaying entry ${name.first}, segment ${
          at + 1
        } of ${segments.length}`,
      );
    }
    const segment = await decodeSegment(await stored(read, name), name);
    const { applied } = machine;
    const { entries, termBefore, hash } = segment;
    const joint = entries.find(({ index }) => index === applied.index)?.term ??
      termBefore;
    if (joint !== applied.term) {
      throw unusableSegment(
        name,
        `they follow on an entry of term ${joint}, and entry ${applied.index} is of term ${applied.term}`,
      );
    }
    const fresh = entries.filter(({ index }) => index > applied.index);
    const wanted = upTo(fresh, point, timeMs);
    for (const batch of batches(wanted)) await apply(machine, batch, name);
    if (wanted.length < fresh.length) break;
    const found = machine.position.hash;
    if (hash !== null && hash !== found) {
      throw unusableSegment(
        name,
        `the state after them has the hash ${found}, not ${hash}`,
      );
    }
    timeMs = Math.max(timeMs, segment.timeMs);
  }
  return machine.position;
}

/** Between two lines about progress, segments. */
const PROGRESS_EVERY = 100;

async function stored(
  read: LogReplay["read"],
  name: ArchiveName,
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    return await read(name);
  } catch (error) {
    throw unusableSegment(name, (error as Error).message);
  }
}

/** Those before the first that lies beyond the point. */
function upTo(
  entries: readonly Entry[],
  point: Point,
  sinceMs: number,
): readonly Entry[] {
  let timeMs = sinceMs;
  const beyond = entries.findIndex(({ index, kind, payload }) => {
    if (point.kind === "index") return index > point.index;
    // What members take for the time never goes back.
    if (kind === EntryKind.command) {
      timeMs = Math.max(timeMs, peekTime(payload));
    }
    return timeMs > point.timeMs;
  });
  return beyond < 0 ? entries : entries.slice(0, beyond);
}

function* batches(entries: readonly Entry[]): Generator<readonly Entry[]> {
  let from = 0;
  let bytes = 0;
  for (const [at, { payload }] of entries.entries()) {
    bytes += payload.length;
    if (bytes < BATCH_BYTES && at - from < BATCH_ENTRIES) continue;
    yield entries.slice(from, at + 1);
    from = at + 1;
    bytes = 0;
  }
  if (from < entries.length) yield entries.slice(from);
}

function apply(
  machine: SqlMachine,
  entries: readonly Entry[],
  name: ArchiveName,
): Promise<void> {
  return new Promise((resolve, reject) =>
    machine.apply(entries, false, (error, _answers, _events, divergence) => {
      if (error !== null) return reject(unusableSegment(name, error.message));
      if (divergence === null || divergence === undefined) return resolve();
      reject(
        unusableSegment(
          name,
          `entry ${divergence.index} is answered differently than it was by its leader`,
        ),
      );
    })
  );
}
