import {
  type Disk,
  type DiskDone,
  DiskError,
  type DiskFile,
} from "../../src/log/disk.ts";
import type { Draw } from "./draw.ts";

const SECTOR_BYTES = 512;

/** What the disk needs of its world. */
export interface DiskHost {
  /** Runs `event` after `ms` virtual milliseconds, whatever becomes of the process. */
  after(ms: number, event: () => void): void;
  readonly draw: Draw;
  readonly syncMs: number;
  readonly readMs: number;
  /** A file that was in use is begun anew. */
  recycled(): void;
  /** Probability that a power cut keeps an unsynced write wholly. */
  readonly keepUnsynced: number;
}

/** The bytes of a file: what reads see, what is on the platter, and what is between. */
class FileBytes {
  live: Uint8Array = new Uint8Array(0);
  liveSize = 0;
  durable: Uint8Array = new Uint8Array(0);
  durableSize = 0;
  unsynced: {
    readonly position: number;
    readonly bytes: Uint8Array;
    /** A sync said that this is durable, and lied. */
    promised: boolean;
  }[] = [];

  write(bytes: Uint8Array, position: number): void {
    this.#put(bytes, position);
    this.unsynced.push({ position, bytes: bytes.slice(), promised: false });
  }

  grow(size: number): void {
    if (size <= this.liveSize) return;
    this.live = room(this.live, size);
    this.liveSize = size;
  }

  /** Whether this byte has been written and not synced. */
  dirtyAt(at: number): boolean {
    return this.unsynced.some(({ position, bytes }) =>
      position <= at && at < position + bytes.length
    );
  }

  /** Makes the oldest `count` writes and `size` durable. */
  settle(count: number, size: number): void {
    for (const { position, bytes } of this.unsynced.splice(0, count)) {
      this.#settleBytes(bytes, position);
    }
    this.durable = room(this.durable, size);
    this.durableSize = Math.max(this.durableSize, size);
  }

  /** Loses, tears or keeps each unsynced write. True if anything was lost. */
  powerCut(draw: Draw, keep: number): boolean {
    let lost = false;
    for (const { position, bytes } of this.unsynced) {
      if (draw.chance(keep)) {
        this.#settleBytes(bytes, position);
        continue;
      }
      lost = true;
      if (draw.chance(0.5)) this.#tear(bytes, position, draw);
    }
    this.unsynced = [];
    this.live = this.durable.slice();
    this.liveSize = this.durableSize;
    return lost;
  }

  #tear(bytes: Uint8Array, position: number, draw: Draw): void {
    let at = 0;
    while (at < bytes.length) {
      const end = Math.min(
        bytes.length,
        at + SECTOR_BYTES - (position + at) % SECTOR_BYTES,
      );
      // Within a sector the drive may stop anywhere in older hardware.
      const cut = draw.chance(0.3) ? draw.int(at, end) : end;
      if (draw.chance(0.5)) {
        this.#settleBytes(bytes.subarray(at, cut), position + at);
      }
      at = end;
    }
  }

  #put(bytes: Uint8Array, position: number): void {
    this.grow(position + bytes.length);
    this.live.set(bytes, position);
  }

  #settleBytes(bytes: Uint8Array, position: number): void {
    if (bytes.length === 0) return;
    this.durable = room(this.durable, position + bytes.length);
    this.durable.set(bytes, position);
    this.durableSize = Math.max(this.durableSize, position + bytes.length);
  }
}

function room(bytes: Uint8Array, size: number): Uint8Array {
  if (size <= bytes.length) return bytes;
  const grown = new Uint8Array(Math.max(size, bytes.length * 2));
  grown.set(bytes);
  return grown;
}

/** What a simulated medium does wrong. */
export interface DiskFaults {
  /** Nothing grows. */
  full: boolean;
  /** Syncs are reported that did not happen. */
  lying: boolean;
  failSyncs: boolean;
  failReads: boolean;
  failWrites: boolean;
  /** Everything takes so many times longer. */
  slowness: number;
}

const HEALTHY: Readonly<DiskFaults> = {
  full: false,
  lying: false,
  failSyncs: false,
  failReads: false,
  failWrites: false,
  slowness: 1,
};

/** A folder on a simulated medium that outlives its processes. */
export class SimDisk implements Disk {
  readonly path: string;
  readonly #host: DiskHost;
  readonly #live = new Map<string, FileBytes>();
  readonly #durable = new Map<string, FileBytes>();
  /** What is wrong with the medium at the moment. */
  readonly faults: DiskFaults;
  /** A power cut found writes that only a lie had made durable. */
  promiseBroken = false;
  #nameSyncs = 0;
  #namesSettled = 0;
  #run = 0;

  /** An empty folder; a new one on the same medium keeps its `faults`. */
  constructor(path: string, host: DiskHost, faults = { ...HEALTHY }) {
    this.path = path;
    this.#host = host;
    this.faults = faults;
  }

  /**
   * Whether something that was reported durable is not. Removed files do not
   * count: a power cut may bring them back, but nobody may need what is in them.
   */
  get lied(): boolean {
    if (this.promiseBroken) return true;
    for (const file of this.#live.values()) {
      if (file.unsynced.some((write) => write.promised)) return true;
    }
    return false;
  }

  list(): string[] {
    return [...this.#live.keys()];
  }

  open(name: string): DiskFile {
    const bytes = this.#live.get(name);
    if (bytes === undefined) throw new DiskError("missing", `open ${name}`);
    return new SimFile(name, bytes, this, this.#host, this.#run);
  }

  create(name: string): DiskFile {
    if (this.faults.full) throw new DiskError("full", `create ${name}`);
    const bytes = new FileBytes();
    this.#live.set(name, bytes);
    return new SimFile(name, bytes, this, this.#host, this.#run);
  }

  remove(name: string): void {
    if (!this.#live.delete(name)) {
      throw new DiskError("missing", `remove ${name}`);
    }
  }

  syncDirectory(done: DiskDone): void {
    const names = new Map(this.#live);
    const turn = ++this.#nameSyncs;
    const run = this.#run;
    this.#host.after(this.syncMs(), () => {
      if (run !== this.#run) return;
      if (this.faults.failSyncs) {
        return done(new DiskError("io", "sync folder"));
      }
      this.#settleNames(names, turn);
      done(null);
    });
  }

  syncDirectoryNow(): void {
    if (this.faults.failSyncs) throw new DiskError("io", "sync folder");
    this.#settleNames(new Map(this.#live), ++this.#nameSyncs);
  }

  /** Ends all faults. */
  heal(): void {
    Object.assign(this.faults, HEALTHY);
  }

  /** The next operations of this process's files come to nothing. */
  processEnded(): void {
    this.#run++;
  }

  /** The number of the process that uses the disk. */
  get run(): number {
    return this.#run;
  }

  /** Loses what was not durable, wholly or in part. True if anything was lost. */
  powerCut(): boolean {
    let lost = false;
    this.promiseBroken = this.lied;
    const { draw, keepUnsynced } = this.#host;
    const names = new Set([...this.#live.keys(), ...this.#durable.keys()]);
    for (const name of names) {
      const live = this.#live.get(name);
      const durable = this.#durable.get(name);
      if (live === durable) continue;
      const kept = draw.chance(keepUnsynced) ? live : durable;
      if (kept === undefined) this.#live.delete(name);
      else this.#live.set(name, kept);
      lost = true;
    }
    for (const [name, file] of this.#live) {
      if (file.powerCut(draw, keepUnsynced)) lost = true;
      this.#durable.set(name, file);
    }
    for (const name of this.#durable.keys()) {
      if (!this.#live.has(name)) this.#durable.delete(name);
    }
    return lost;
  }

  /**
   * Flips a bit on the platter of some file; what the cache still has to write
   * there will cover it. Answers where, or null if there is nothing to damage.
   */
  flipBit(): string | null {
    const { draw } = this.#host;
    const files = [...this.#durable].filter(([, f]) => f.durableSize > 0);
    if (files.length === 0) return null;
    const [name, file] = draw.pick(files);
    const used = this.#usedBytes(file);
    if (used === 0) return null;
    const at = draw.int(0, used - 1);
    const bit = 1 << draw.int(0, 7);
    file.durable[at]! ^= bit;
    if (at < file.liveSize && !file.dirtyAt(at)) file.live[at]! ^= bit;
    return `${name}@${at}`;
  }

  /** How long a sync takes now. */
  syncMs(): number {
    const { draw, syncMs } = this.#host;
    return syncMs * this.faults.slowness * draw.between(0.5, 1.5);
  }

  /** How long a read takes now. */
  readMs(): number {
    const { draw, readMs } = this.#host;
    return readMs * this.faults.slowness * draw.between(0.5, 1.5);
  }

  #usedBytes(file: FileBytes): number {
    let used = file.durableSize;
    while (used > 0 && file.durable[used - 1] === 0) used--;
    return used;
  }

  #settleNames(names: ReadonlyMap<string, FileBytes>, turn: number): void {
    // Syncs may end in another order than they began.
    if (turn < this.#namesSettled) return;
    this.#namesSettled = turn;
    this.#durable.clear();
    for (const [name, file] of names) this.#durable.set(name, file);
  }
}

class SimFile implements DiskFile {
  readonly name: string;
  readonly #bytes: FileBytes;
  readonly #disk: SimDisk;
  readonly #host: DiskHost;
  readonly #run: number;

  constructor(
    name: string,
    bytes: FileBytes,
    disk: SimDisk,
    host: DiskHost,
    run: number,
  ) {
    this.name = name;
    this.#bytes = bytes;
    this.#disk = disk;
    this.#host = host;
    this.#run = run;
  }

  size(): number {
    return this.#bytes.liveSize;
  }

  write(bytes: Uint8Array, position: number): void {
    if (
      this.#disk.faults.full && position + bytes.length > this.#bytes.liveSize
    ) {
      throw new DiskError("full", `write ${this.name}`);
    }
    if (this.#disk.faults.failWrites) {
      const part = this.#host.draw.int(0, bytes.length);
      this.#bytes.write(bytes.subarray(0, part), position);
      throw new DiskError("io", `write ${this.name}`);
    }
    const { live } = this.#bytes;
    if (position === 0 && this.name.startsWith("segment") && live[0]) {
      this.#host.recycled();
    }
    this.#bytes.write(bytes, position);
  }

  readNow(target: Uint8Array, position: number): number {
    if (this.#disk.faults.failReads) {
      throw new DiskError("io", `read ${this.name}`);
    }
    return this.#copy(target, position);
  }

  #copy(target: Uint8Array, position: number): number {
    const { live, liveSize } = this.#bytes;
    const count = Math.max(0, Math.min(target.length, liveSize - position));
    target.set(live.subarray(position, position + count));
    return count;
  }

  read(
    target: Uint8Array,
    position: number,
    done: (error: DiskError | null, count: number) => void,
  ): void {
    this.#later(
      this.#disk.readMs(),
      () => {
        if (this.#disk.faults.failReads) {
          return done(new DiskError("io", `read ${this.name}`), 0);
        }
        done(null, this.#copy(target, position));
      },
    );
  }

  allocate(size: number, done: DiskDone): void {
    if (this.#disk.faults.full && size > this.#bytes.liveSize) {
      return this.#later(
        0,
        () => done(new DiskError("full", `allocate ${this.name}`)),
      );
    }
    this.#later(this.#disk.syncMs(), () => {
      if (this.#disk.faults.failSyncs) {
        return done(new DiskError("io", `allocate ${this.name}`));
      }
      this.#bytes.grow(size);
      this.#bytes.settle(this.#bytes.unsynced.length, size);
      done(null);
    });
  }

  sync(done: DiskDone): void {
    const writes = this.#bytes.unsynced.at(-1);
    const size = this.#bytes.liveSize;
    this.#later(this.#disk.syncMs(), () => {
      if (this.#disk.faults.failSyncs) {
        if (this.#bytes.unsynced.some((write) => write.promised)) {
          this.#disk.promiseBroken = true;
        }
        // The pages are marked clean all the same: they will never be written.
        this.#bytes.unsynced = [];
        return done(new DiskError("io", `fdatasync ${this.name}`));
      }
      if (this.#disk.faults.lying) {
        for (const write of this.#bytes.unsynced) write.promised = true;
        return done(null);
      }
      const count = writes === undefined
        ? 0
        : this.#bytes.unsynced.indexOf(writes) + 1;
      this.#bytes.settle(count, size);
      done(null);
    });
  }

  syncNow(): void {
    if (this.#disk.faults.failSyncs) {
      throw new DiskError("io", `fdatasync ${this.name}`);
    }
    this.#bytes.settle(this.#bytes.unsynced.length, this.#bytes.liveSize);
  }

  close(): void {}

  #later(ms: number, event: () => void): void {
    this.#host.after(ms, () => {
      if (this.#run === this.#disk.run) event();
    });
  }
}
