import fs from "node:fs";
import { join } from "node:path";
import {
  type Disk,
  type DiskDone,
  DiskError,
  type DiskFailure,
  type DiskFile,
} from "./disk.ts";

const FAILURES: Readonly<Record<string, DiskFailure>> = {
  ENOSPC: "full",
  EDQUOT: "full",
  EFBIG: "full",
  ENOENT: "missing",
  EACCES: "denied",
  EPERM: "denied",
  EROFS: "denied",
};

/** Zeroes are written in slices so that one allocation does not hold a thread for long. */
const ZEROES = new Uint8Array(256 * 1024);

function diskError(operation: string, path: string, cause: unknown): DiskError {
  const code = (cause as { code?: unknown } | null)?.code;
  const failure = typeof code === "string" ? FAILURES[code] ?? "io" : "io";
  const reason = typeof code === "string" ? code : String(cause);
  return new DiskError(failure, `${operation} ${path}: ${reason}`, { cause });
}

function attempt<T>(operation: string, path: string, run: () => T): T {
  try {
    return run();
  } catch (cause) {
    throw diskError(operation, path, cause);
  }
}

/** Counts operations under way. */
class Tally {
  #count = 0;
  #waiting: (() => void)[] = [];

  begin(): void {
    this.#count++;
  }

  end(): void {
    if (--this.#count > 0) return;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  idle(): Promise<void> {
    if (this.#count === 0) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** A folder of the machine's file system. */
export class RealDisk implements Disk {
  readonly path: string;
  readonly #tally = new Tally();
  readonly #synced: (ms: number) => void;

  /** Uses the folder at `path`, which must exist; `synced` hears how long each fdatasync of a file took. */
  constructor(path: string, synced: (ms: number) => void = () => {}) {
    this.path = path;
    this.#synced = synced;
  }

  /** Resolves when nothing is under way any more: after closing a log, before its folder is given to another process. */
  idle(): Promise<void> {
    return this.#tally.idle();
  }

  list(): string[] {
    const entries = attempt(
      "list",
      this.path,
      () => fs.readdirSync(this.path, { withFileTypes: true }),
    );
    return entries.filter((entry) => entry.isFile()).map((entry) => entry.name);
  }

  open(name: string): DiskFile {
    return this.#open(name, "r+");
  }

  create(name: string): DiskFile {
    return this.#open(name, "w+");
  }

  remove(name: string): void {
    const path = join(this.path, name);
    attempt("remove", path, () => fs.unlinkSync(path));
  }

  syncDirectory(done: DiskDone): void {
    this.#tally.begin();
    const end = (cause: unknown): void => {
      this.#tally.end();
      done(cause ? diskError("sync folder", this.path, cause) : null);
    };
    fs.open(this.path, "r", (cause, fd) => {
      if (cause) return end(cause);
      fs.fsync(fd, (cause) => {
        fs.close(fd, (closeCause) => end(cause ?? closeCause));
      });
    });
  }

  syncDirectoryNow(): void {
    attempt("sync folder", this.path, () => {
      const fd = fs.openSync(this.path, "r");
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  #open(name: string, flags: "r+" | "w+"): DiskFile {
    const path = join(this.path, name);
    const fd = attempt(
      flags === "r+" ? "open" : "create",
      path,
      () => fs.openSync(path, flags, 0o600),
    );
    return new RealFile(fd, name, path, this.#tally, this.#synced);
  }
}

class RealFile implements DiskFile {
  readonly name: string;
  readonly #fd: number;
  readonly #path: string;
  readonly #tally: Tally;
  readonly #synced: (ms: number) => void;
  #underWay = 0;
  #closing = false;
  #closed = false;

  constructor(
    fd: number,
    name: string,
    path: string,
    tally: Tally,
    synced: (ms: number) => void,
  ) {
    this.#fd = fd;
    this.#tally = tally;
    this.#synced = synced;
    this.name = name;
    this.#path = path;
  }

  size(): number {
    return attempt("stat", this.#path, () => fs.fstatSync(this.#fd).size);
  }

  write(bytes: Uint8Array, position: number): void {
    let written = 0;
    while (written < bytes.length) {
      written += attempt(
        "write",
        this.#path,
        () =>
          fs.writeSync(
            this.#fd,
            bytes,
            written,
            bytes.length - written,
            position + written,
          ),
      );
    }
  }

  readNow(target: Uint8Array, position: number): number {
    let total = 0;
    while (total < target.length) {
      const count = attempt(
        "read",
        this.#path,
        () =>
          fs.readSync(
            this.#fd,
            target,
            total,
            target.length - total,
            position + total,
          ),
      );
      if (count === 0) break;
      total += count;
    }
    return total;
  }

  read(
    target: Uint8Array,
    position: number,
    done: (error: DiskError | null, count: number) => void,
  ): void {
    this.#begin();
    const step = (total: number): void => {
      const left = target.length - total;
      fs.read(
        this.#fd,
        target,
        total,
        left,
        position + total,
        (cause, count) => {
          if (!cause && count > 0 && count < left) return step(total + count);
          this.#ended();
          if (cause) done(diskError("read", this.#path, cause), 0);
          else done(null, total + count);
        },
      );
    };
    step(0);
  }

  allocate(size: number, done: DiskDone): void {
    this.#begin();
    const end = (error: DiskError | null): void => {
      this.#ended();
      done(error);
    };
    const step = (at: number): void => {
      if (at >= size) {
        fs.fsync(
          this.#fd,
          (cause) =>
            end(cause ? diskError("allocate", this.#path, cause) : null),
        );
        return;
      }
      const count = Math.min(ZEROES.length, size - at);
      fs.write(this.#fd, ZEROES, 0, count, at, (cause, written) => {
        if (cause) end(diskError("allocate", this.#path, cause));
        else step(at + written);
      });
    };
    fs.fstat(this.#fd, (cause, stats) => {
      if (cause) end(diskError("allocate", this.#path, cause));
      else step(stats.size);
    });
  }

  sync(done: DiskDone): void {
    this.#begin();
    const begun = performance.now();
    fs.fdatasync(this.#fd, (cause) => {
      this.#synced(performance.now() - begun);
      this.#ended();
      done(cause ? diskError("fdatasync", this.#path, cause) : null);
    });
  }

  syncNow(): void {
    attempt("fdatasync", this.#path, () => fs.fdatasyncSync(this.#fd));
  }

  close(): void {
    this.#closing = true;
    this.#closeIfIdle();
  }

  #begin(): void {
    this.#underWay++;
    this.#tally.begin();
  }

  #ended(): void {
    this.#underWay--;
    if (this.#closing) this.#closeIfIdle();
    this.#tally.end();
  }

  #closeIfIdle(): void {
    if (this.#closed || this.#underWay > 0) return;
    this.#closed = true;
    fs.closeSync(this.#fd);
  }
}
