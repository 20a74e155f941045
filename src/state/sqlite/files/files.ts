import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
} from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { HiqliteError } from "../../../errors.ts";
import {
  replaceFile,
  replaceFileLater,
  syncPathLater,
} from "../../../util/durable_file.ts";
import { StateDamagedError } from "../../port.ts";
import type { Removals } from "./removals.ts";

const CURRENT = "current";
const GENERATION = /^db-(\d{8})$/;
const SNAPSHOTS = "snapshots";
const INCOMING = "incoming";
const TEMPORARY = "tmp";

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
    for (const folder of [SNAPSHOTS, INCOMING, TEMPORARY]) {
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
      () => syncPathLater(folder),
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

  get #currentPath(): string {
    return join(this.#dir, CURRENT);
  }

  #nameOf(generation: number): string {
    return `db-${String(generation).padStart(8, "0")}`;
  }

  #folder(generation: number): string {
    return join(this.#dir, this.#nameOf(generation));
  }

  #readCurrent(): number {
    const path = this.#currentPath;
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
      `${this.#currentPath} is missing: which of the databases is in use (${
        folders.join(", ")
      }) is unknown`,
    );
  }

  #writeCurrent(generation: number): void {
    replaceFile(this.#currentPath, this.#nameOf(generation));
    this.#generation = generation;
  }

  /** The same, beside what else this thread has to do. */
  async #replaceCurrent(generation: number): Promise<void> {
    await replaceFileLater(this.#currentPath, this.#nameOf(generation));
    this.#generation = generation;
  }
}
