import assert from "node:assert/strict";
import type { LogRecovery } from "../../src/log/port.ts";
import { openSegmentLog, type SegmentLog } from "../../src/log/segment_log.ts";
import { SeededRandom } from "../../src/util/random.ts";
import type { FaultDisk, Survives } from "./fault_disk.ts";
import { entriesFrom, fingerprintOf, ModelLog } from "./model.ts";

/** Segments as small as they get, so that short stories roll often. */
export const TINY = { segmentBytes: 8192, cacheBytes: 4096 } as const;

/** Opens the log on a simulated disk. */
export function openOn(
  disk: FaultDisk,
): { log: SegmentLog; recovery: LogRecovery } {
  return openSegmentLog(disk, { ...TINY, random: new SeededRandom(1) });
}

/** What a disk holds, as text. */
export function contentsOf(disk: FaultDisk): string {
  const { log, recovery } = openOn(disk);
  return fingerprintOf(log, recovery, () => disk.run());
}

/** Runs mutations on a log and the model, and knows what each crash may leave of them. */
export class Story {
  readonly disk: FaultDisk;
  readonly model: ModelLog;
  log: SegmentLog;
  /** The disk's length when the log had been opened. */
  readonly opened: number;
  /** States in order; `since` is the disk's length when the mutation began. */
  readonly #states: { fingerprint: string; model: ModelLog; since: number }[];
  /** After `at` disk operations state `state` was known to be durable. */
  readonly #acknowledged: { state: number; at: number }[] = [];
  #pending = 0;

  /** Opens the log on a disk that holds what `model` says. */
  constructor(disk: FaultDisk, model = new ModelLog()) {
    this.disk = disk;
    this.model = model;
    const fingerprint = model.fingerprint();
    this.#states = [{ fingerprint, model: model.clone(), since: -1 }];
    const { log, recovery } = openOn(disk);
    this.log = log;
    this.opened = disk.length;
    assert.equal(
      fingerprintOf(log, recovery, () => disk.run()),
      model.fingerprint(),
    );
  }

  append(count: number, bytes = 24, newTerm = false): void {
    const { term, index } = this.model.last;
    const entries = entriesFrom(
      index + 1,
      count,
      Math.max(1, term + (newTerm ? 1 : 0)),
      bytes,
    );
    this.#mutate(() => this.log.append(entries));
    this.model.append(entries);
    this.#note();
  }

  truncateAfter(index: number): void {
    if (index >= this.model.last.index) return;
    this.#mutate(() => this.log.truncateAfter(index));
    this.model.truncateAfter(index);
    this.#note();
  }

  purge(index: number): void {
    const entry = this.model.entries.find((entry) => entry.index === index);
    if (!entry) return;
    this.#mutate(() => this.log.purge({ term: entry.term, index }));
    this.model.purge({ term: entry.term, index });
    this.#note();
  }

  reset(ahead: number): void {
    const { term, index } = this.model.last;
    const base = { term: term + 1, index: index + ahead };
    this.#mutate(() => this.log.reset(base));
    this.model.reset(base);
    this.#note();
  }

  vote(): void {
    const term = this.model.hardState.term + 1;
    const hardState = { term, vote: term % 2 === 0 ? null : `${term}.ab` };
    this.#mutate(() => this.log.saveHardState(hardState));
    this.model.hardState = hardState;
    this.#note();
  }

  /** Asks for durability; known once the disk has run. */
  sync(): void {
    const state = this.#states.length - 1;
    this.log.sync((error) => {
      assert.equal(error, null);
      this.#acknowledged.push({ state, at: this.disk.length });
    });
  }

  /** Asks for durability and waits. */
  syncNow(): void {
    this.sync();
    this.disk.run();
  }

  /** The states that a crash after `count` disk operations may leave. */
  allowed(count: number): string[] {
    let first = 0;
    for (const { state, at } of this.#acknowledged) {
      if (at <= count) first = Math.max(first, state);
    }
    return this.#states
      .filter(({ since }, state) => state >= first && since < count)
      .map(({ fingerprint }) => fingerprint);
  }

  /** The model in an earlier state. */
  stateOf(fingerprint: string): ModelLog {
    const state = this.#states.findLast((state) =>
      state.fingerprint === fingerprint
    );
    return state!.model.clone();
  }

  /** Checks that a crash leaves an allowed state, and gives the disk after it. */
  checkCrash(count: number, survives: Survives, what: string): FaultDisk {
    const left = this.disk.crash(count, survives);
    const found = contentsOf(left.copy());
    const allowed = this.allowed(count);
    assert.ok(
      allowed.includes(found),
      `${what}: after ${count} operations found\n${found}\nallowed\n${
        allowed.join("\n")
      }`,
    );
    return left;
  }

  #mutate(run: () => void): void {
    this.#pending = this.disk.length;
    run();
  }

  #note(): void {
    const fingerprint = this.model.fingerprint();
    const model = this.model.clone();
    this.#states.push({ fingerprint, model, since: this.#pending });
  }
}

/** Which unsynced sectors survive: none, all, or by a hash of `seed`. */
export function survivors(seed: number): Survives {
  if (seed === 0) return () => false;
  if (seed === 1) return () => true;
  return (operation, sector) => {
    let hash = Math.imul(seed, 0x9e3779b1) ^ Math.imul(operation + 1, 0x85eb);
    hash = Math.imul(hash ^ (sector + 1) * 0xc2b2, 0x27d4eb2f);
    hash ^= hash >>> 15;
    hash = Math.imul(hash, 0x2c1b3c6d);
    return ((hash ^ (hash >>> 13)) & 1) === 0;
  };
}
