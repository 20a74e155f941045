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
import { mkdir, open, rename, rm } from "node:fs/promises";
import { basename, join } from "node:path";
import { HiqliteError } from "../../../errors.ts";
import { StateDamagedError } from "../../port.ts";
import type { Removals } from "./removals.ts";

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

async function syncPath(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
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

  /**
   * Opens `dir` (or makes it) and removes what an interrupted installation or snapshot left behind.
   * @throws {StateDamagedError} if the database that was in use is not there.
   */
  constructor(dir: string, filename: string) {
    this.#dir = dir;
    this.#filename = filename;
    mkdirSync(dir, { recursive: true, mode: 0o700 });
    this.#generation = this.#readCurrent();
    this.#checkPresent();
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
  installSteps(received: string): readonly (() => Promise<void>)[] {
    const next = this.#generation + 1;
    const folder = this.#folder(next);
    return [
      () => rm(folder, { recursive: true, force: true }),
      () => mkdir(folder, { mode: 0o700 }),
      () => rename(received, join(folder, this.#filename)),
      () => syncPath(folder),
      () => this.#replaceCurrent(next),
    ];
  }

  /** Has the databases before the current one removed. */
  removeOld(removals: Removals): void {
    for (const entry of readdirSync(this.#dir)) {
      const generation = GENERATION.exec(entry);
      if (generation !== null && Number(generation[1]) < this.#generation) {
        removals.begin(join(this.#dir, entry));
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
      throw new StateDamagedError(
        `${path} names no database folder: ${
          JSON.stringify(text.slice(0, 40))
        }`,
      );
    }
    return Number(generation[1]);
  }

  /** Nothing is removed or begun anew while a database may be lying in another folder. */
  #checkPresent(): void {
    const current = this.#folder(this.#generation);
    const kept = existsSync(current)
      ? readdirSync(current).filter((name) => !/-(wal|shm|journal)$/.test(name))
      : [];
    if (kept.length > 0 && !kept.includes(this.#filename)) {
      throw new HiqliteError(
        "storage",
        `the database in ${current} is ${
          kept[0]
        }, not ${this.#filename}: set filename_db to its name, or rename it while the member is stopped`,
      );
    }
    if (this.#generation > 0) {
      if (existsSync(current)) return;
      throw new StateDamagedError(
        `${current} is missing, the database in use`,
      );
    }
    const folders = readdirSync(this.#dir).filter((name) =>
      GENERATION.test(name) && readdirSync(join(this.#dir, name)).length > 0
    );
    if (folders.length === 0) return;
    throw new StateDamagedError(
      `${
        join(this.#dir, CURRENT)
      } is missing: which of the databases is in use (${
        folders.join(", ")
      }) is unknown`,
    );
  }

  #writeCurrent(generation: number): void {
    const path = join(this.#dir, CURRENT);
    writeFileSync(`${path}.new`, basename(this.#folder(generation)), {
      mode: 0o600,
    });
    // Not by the option `flush` of writeFileSync, which the runtime ignores.
    fsyncPath(`${path}.new`);
    renameSync(`${path}.new`, path);
    fsyncPath(this.#dir);
    this.#generation = generation;
  }

  /** The same, beside what else this thread has to do. */
  async #replaceCurrent(generation: number): Promise<void> {
    const path = join(this.#dir, CURRENT);
    const file = await open(`${path}.new`, "w", 0o600);
    try {
      await file.writeFile(basename(this.#folder(generation)));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(`${path}.new`, path);
    await syncPath(this.#dir);
    this.#generation = generation;
  }
}
