import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";

const CURRENT = "current";
const GENERATION = /^db-(\d{8})$/;
const SNAPSHOTS = "snapshots";
const INCOMING = "incoming";

/** Makes a file or a directory durable. */
export function fsyncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/**
 * Where the database is. Each installed snapshot becomes a new folder
 * (`db-00000001/`, `db-00000002/` …) and the file `current` names the one in use, replaced by
 * rename: a database never meets the WAL of another one, and a crash leaves the old or the
 * new state whole.
 */
export class DatabaseFiles {
  readonly #dir: string;
  readonly #filename: string;
  #generation: number;

  /** Opens `dir` (or makes it) and removes what an interrupted installation or snapshot left behind. */
  constructor(dir: string, filename: string) {
    this.#dir = dir;
    this.#filename = filename;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#generation = this.#readCurrent();
    for (const entry of readdirSync(dir)) {
      const generation = GENERATION.exec(entry);
      if (generation !== null && Number(generation[1]) !== this.#generation) {
        rmSync(join(dir, entry), { recursive: true });
      }
    }
    for (const folder of [SNAPSHOTS, INCOMING]) {
      rmSync(join(dir, folder), { recursive: true, force: true });
      mkdirSync(join(dir, folder), { mode: 0o700 });
    }
    if (this.#generation === 0) {
      mkdirSync(this.#folder(1), { mode: 0o700 });
      this.#writeCurrent(1);
    }
  }

  /** The database's file. */
  get path(): string {
    return join(this.#folder(this.#generation), this.#filename);
  }

  /** Where a snapshot under this name is built. */
  snapshotPath(name: string): string {
    return join(this.#dir, SNAPSHOTS, name);
  }

  /** Where a received snapshot under this name is collected. */
  incomingPath(name: string): string {
    return join(this.#dir, INCOMING, name);
  }

  /** The steps that make a complete, durable file the database, in order; only the last one has an effect that stays after a crash. */
  installSteps(received: string): readonly (() => void)[] {
    const next = this.#generation + 1;
    const folder = this.#folder(next);
    return [
      () => rmSync(folder, { recursive: true, force: true }),
      () => mkdirSync(folder, { mode: 0o700 }),
      () => renameSync(received, join(folder, this.#filename)),
      () => fsyncPath(folder),
      () => this.#writeCurrent(next),
    ];
  }

  /** Removes the databases before the current one. */
  removeOld(): void {
    for (const entry of readdirSync(this.#dir)) {
      const generation = GENERATION.exec(entry);
      if (generation !== null && Number(generation[1]) < this.#generation) {
        rmSync(join(this.#dir, entry), { recursive: true });
      }
    }
  }

  #folder(generation: number): string {
    return join(this.#dir, `db-${String(generation).padStart(8, "0")}`);
  }

  #readCurrent(): number {
    const path = join(this.#dir, CURRENT);
    if (!existsSync(path)) return 0;
    const text = readFileSync(path, "utf8").trim();
    const generation = GENERATION.exec(text);
    if (generation === null) {
      throw new Error(`${path} names no database folder: ${text.slice(0, 40)}`);
    }
    return Number(generation[1]);
  }

  #writeCurrent(generation: number): void {
    const path = join(this.#dir, CURRENT);
    const folder = this.#folder(generation);
    writeFileSync(`${path}.new`, folder.slice(this.#dir.length + 1), {
      mode: 0o600,
      flush: true,
    });
    renameSync(`${path}.new`, path);
    fsyncPath(this.#dir);
    this.#generation = generation;
  }
}
