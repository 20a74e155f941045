import { type ByteReader, MalformedBytesError } from "../util/bytes.ts";
import type { Random } from "../util/random.ts";
import { BLOCK_BYTES } from "./block.ts";
import type { Disk, DiskFile } from "./disk.ts";
import { type Mark, MARK_NAME, MarkFile } from "./durable_mark.ts";
import { LOG_FRAME_HEADER_BYTES, readFrame, viewOf } from "./frame.ts";
import { NEW_LOG } from "./log_state.ts";
import { LogError } from "./port.ts";
import { Replay, surveyFrames } from "./replay.ts";
import {
  decodeSegmentHeader,
  readSegmentHeader,
  Segment,
  SEGMENT_HEADER_BYTES,
  type SegmentHeader,
  segmentNumber,
  writeZeroes,
} from "./segment.ts";
import type { Spares } from "./spares.ts";

/** Position of the first frame ever; not 0, which stands for "none". */
const FIRST_LSN = 4096;

/** What a log goes on from. */
export interface RecoveredLog {
  readonly replay: Replay;
  /** Oldest first; at least one. */
  readonly segments: Segment[];
  readonly mark: MarkFile;
  readonly salt: number;
  /** What was cut from the end, for the operator's log, or null. */
  readonly cut: string | null;
}

interface FoundLog {
  readonly file: DiskFile;
  readonly header: SegmentHeader;
}

interface Survey {
  /** With an intact header, by position. */
  readonly intact: FoundLog[];
  /** Whose header is neither intact nor blank. */
  readonly damaged: DiskFile[];
  /** Not in use. */
  readonly blank: DiskFile[];
}

interface ChainAttempt {
  readonly replay: Replay;
  /** Segments with good frames. */
  readonly used: readonly FoundLog[];
  /** The content of the last one of them. */
  readonly lastBytes: Uint8Array;
  /** What stands behind the last good frame. */
  readonly reason: string;
}

/**
 * Reads the log in a folder, or creates it.
 *
 * The log is the longest chain of intact frames. Where it ends, one question
 * decides: does anything say that more was durable? The mark file says so, and
 * so does every frame and segment header that was written after a later sync,
 * wherever it stands. If something does, durable bytes are missing or damaged:
 * `corrupt`. If nothing does, no acknowledgement can have depended on what
 * follows, and it is cut: overwritten with zeroes, so that stale frames never
 * come back.
 *
 * What was purged is not missed, whether it is gone, damaged or half there: the
 * name of a removed segment may come back after a power cut, with anything in
 * it. So a chain may begin behind a damaged segment if it holds every live entry.
 *
 * It cannot decide one case: damage that hits nothing but the frames of the very
 * last sync, when the mark written after it was lost as well (a power cut within
 * seconds). They look like a write that never finished. An idle `sync` closes
 * that window, since it makes the mark durable.
 *
 * When it returns, all it found is durable. A crash during it changes nothing.
 *
 * @throws {LogError} `corrupt`, or `io` for a newer version.
 * @throws {DiskError}
 */
export function recoverLog(
  disk: Disk,
  spares: Spares,
  random: Random,
): RecoveredLog {
  const names = disk.list().filter((name) => segmentNumber(name) !== null);
  for (const name of names) spares.nameTaken(segmentNumber(name)!);
  const found = MarkFile.find(disk);
  if (found.kind === "foreign") throw newer(disk, MARK_NAME, found.version);
  if (found.kind !== "intact") {
    if (names.length > 0) {
      throw new LogError(
        "corrupt",
        `${disk.path}/${MARK_NAME} is ${wording(found.kind)} ` +
          `beside ${names.length} segments`,
      );
    }
    const salt = random.uint32();
    return begin(spares, MarkFile.create(disk, salt), salt);
  }
  const { mark, file } = found;
  const opened: DiskFile[] = [];
  try {
    const survey = inspect(disk, names, mark.salt, opened);
    const attempt = findChain(disk, survey, mark);
    if (attempt !== null) return settle(attempt, survey, spares, file);
    for (const rest of opened) spares.discard(rest);
    return begin(spares, file, mark.salt);
  } catch (error) {
    for (const rest of opened) rest.close();
    file.close();
    throw error;
  }
}

function wording(kind: "none" | "blank" | "damaged"): string {
  return kind === "none" ? "missing" : kind;
}

function newer(disk: Disk, name: string, version: number): LogError {
  return new LogError(
    "io",
    `${disk.path}/${name} has format version ${version}: start a release that knows it`,
  );
}

/** The first segment of a new log. */
function begin(spares: Spares, mark: MarkFile, salt: number): RecoveredLog {
  const capacity = spares.smallBytes;
  const header: SegmentHeader = {
    salt,
    capacity,
    start: FIRST_LSN,
    previousStart: 0,
    chain: salt,
    durable: 0,
    summary: NEW_LOG,
  };
  const segment = Segment.begin(spares.createNow(capacity), header);
  segment.file.syncNow();
  segment.dirty = false;
  spares.syncDirectoryNow();
  mark.writeNow(FIRST_LSN);
  const replay = new Replay(header);
  return { replay, segments: [segment], mark, salt, cut: null };
}

function inspect(
  disk: Disk,
  names: readonly string[],
  salt: number,
  opened: DiskFile[],
): Survey {
  const survey: Survey = { intact: [], damaged: [], blank: [] };
  for (const name of names) {
    const file = disk.open(name);
    opened.push(file);
    const bytes = new Uint8Array(BLOCK_BYTES);
    const block = decodeSegmentHeader(
      bytes.subarray(0, file.readNow(bytes, 0)),
    );
    if (block.kind === "foreign") throw newer(disk, name, block.version);
    const header = block.kind === "intact" ? parse(block.content) : null;
    if (header !== null && header.salt !== salt) {
      throw new LogError(
        "corrupt",
        `${disk.path}/${name} belongs to another log than ${MARK_NAME}`,
      );
    }
    if (header !== null) survey.intact.push({ file, header });
    else if (block.kind === "blank") survey.blank.push(file);
    else survey.damaged.push(file);
  }
  survey.intact.sort((a, b) => a.header.start - b.header.start);
  for (let i = 1; i < survey.intact.length; i++) {
    const [a, b] = [survey.intact[i - 1]!, survey.intact[i]!];
    if (a.header.start !== b.header.start) continue;
    throw new LogError(
      "corrupt",
      `${disk.path}: ${a.file.name} and ${b.file.name} claim the same place`,
    );
  }
  return survey;
}

function parse(content: ByteReader): SegmentHeader | null {
  try {
    return readSegmentHeader(content);
  } catch (error) {
    if (error instanceof MalformedBytesError) return null;
    throw error;
  }
}

/** Segments that follow one another, by what their headers say. */
function linkedRuns(intact: readonly FoundLog[]): FoundLog[][] {
  const runs: FoundLog[][] = [];
  for (const found of intact) {
    const before = runs.at(-1)?.at(-1);
    if (before && before.header.start === found.header.previousStart) {
      runs.at(-1)!.push(found);
    } else {
      runs.push([found]);
    }
  }
  return runs;
}

/** The strongest claim so far of how much of the log was durable. */
class Evidence {
  position = 0;
  source = "";
  readonly #salt: number;
  readonly #surveyed = new Set<DiskFile>();

  constructor(mark: Mark) {
    this.#salt = mark.salt;
    this.claim(mark.durable, MARK_NAME);
  }

  claim(position: number, source: string): void {
    if (position < this.position) return;
    this.position = position;
    this.source = source;
  }

  frames(file: DiskFile): void {
    if (this.#surveyed.has(file)) return;
    this.#surveyed.add(file);
    this.claim(
      surveyFrames(contentOf(file), this.#salt).durable,
      `a frame in ${file.name}`,
    );
  }

  segment({ file, header }: FoundLog): void {
    this.claim(header.durable, `the header of ${file.name}`);
    this.frames(file);
  }
}

/**
 * The newest chain that holds every live entry; null for a log whose creation
 * did not finish.
 */
function findChain(
  disk: Disk,
  survey: Survey,
  mark: Mark,
): ChainAttempt | null {
  const evidence = new Evidence(mark);
  for (const file of survey.damaged) evidence.frames(file);
  let problem: string | null = null;
  for (const run of linkedRuns(survey.intact).reverse()) {
    // What a broken segment held may all be purged further on, so what follows the break is tried, too.
    for (let rest = run; rest.length > 0;) {
      const attempt = readRun(disk, rest);
      const { missingThrough, base } = attempt.replay.state;
      const last = attempt.used.at(-1)!.file;
      evidence.frames(last);
      const after = rest.slice(attempt.used.length);
      for (const found of after) evidence.segment(found);
      if (missingThrough === null) {
        if (evidence.position <= attempt.replay.end) return attempt;
        problem = `${last.name}: ${attempt.reason} at byte ${
          offsetAt(attempt)
        }`;
      } else {
        problem ??= `entries ${base.index + 1} to ${missingThrough} before ` +
          `${rest[0]!.file.name} are missing`;
      }
      rest = after;
    }
    for (const found of run) evidence.segment(found);
  }
  if (survey.intact.length === 0 && evidence.position === 0) return null;
  throw new LogError(
    "corrupt",
    `${disk.path}/${
      problem ?? "segment-*: no intact header"
    }, but ${evidence.source} says that the log was ` +
      `durable to position ${evidence.position}` +
      survey.damaged.map(({ name }) => `; ${name} has a damaged header`).join(),
  );
}

function offsetAt({ used, replay }: ChainAttempt): number {
  return SEGMENT_HEADER_BYTES + replay.end - used.at(-1)!.header.start;
}

function readRun(disk: Disk, run: readonly FoundLog[]): ChainAttempt {
  const replay = new Replay(run[0]!.header);
  for (let i = 0;; i++) {
    const { file, header } = run[i]!;
    const lastBytes = contentOf(file);
    const problem = replay.read(
      lastBytes,
      header,
      `${disk.path}/${file.name}`,
    );
    const next = run[i + 1]?.header;
    if (next?.start === replay.end && next.chain === replay.chain) continue;
    const reason = problem ?? "the next segment does not follow";
    return { replay, used: run.slice(0, i + 1), lastBytes, reason };
  }
}

/** Makes what was found durable, then removes what a later start must not read again. */
function settle(
  { replay, used, lastBytes }: ChainAttempt,
  survey: Survey,
  spares: Spares,
  mark: MarkFile,
): RecoveredLog {
  const { salt } = used[0]!.header;
  const segments = used.map(({ file, header }, i) =>
    new Segment(file, header, used[i + 1]?.header.start ?? replay.end)
  );
  const active = segments.at(-1)!;
  const from = active.offsetOf(replay.end);
  const { capacity } = active.header;
  let cut: string | null = null;
  if (surveyFrames(lastBytes, salt).lsn >= replay.end) {
    cut = `${active.file.name} from byte ${from} on`;
  }
  if (
    lastBytes.length < capacity ||
    lastBytes.subarray(from).some((byte) => byte !== 0)
  ) {
    writeZeroes(active.file, from, capacity);
  }
  for (const segment of segments) {
    segment.file.syncNow();
    segment.dirty = false;
  }
  spares.syncDirectoryNow();
  mark.writeNow(replay.end);
  // Newest first: what comes after a gap must not look like a log of its own.
  for (const found of survey.intact.reverse()) {
    if (used.includes(found)) continue;
    if (found.header.start >= replay.end) cut ??= `all of ${found.file.name}`;
    spares.recycleNow(found.file);
  }
  for (const file of survey.damaged) spares.discard(file);
  for (const file of survey.blank) {
    if (followsOn(file, replay, salt)) spares.discard(file);
    else spares.adopt(file);
  }
  return { replay, segments, mark, salt, cut };
}

/** Whether a crash lost the header of a segment, but not its first frame, which would follow on this log under a new header, too. */
function followsOn(
  file: DiskFile,
  { end, chain }: Replay,
  salt: number,
): boolean {
  const bytes = new Uint8Array(LOG_FRAME_HEADER_BYTES);
  file.readNow(bytes, SEGMENT_HEADER_BYTES);
  const frame = readFrame(bytes, viewOf(bytes), 0, salt);
  return frame?.lsn === end && frame.previous === chain;
}

function contentOf(file: DiskFile): Uint8Array {
  const bytes = new Uint8Array(file.size());
  return bytes.subarray(0, file.readNow(bytes, 0));
}
