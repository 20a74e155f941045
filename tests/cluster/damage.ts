import * as fs from "node:fs";
import { join } from "node:path";

/** Bytes in front of a segment's frames. */
const SEGMENT_HEADER_BYTES = 4096;

/** The files of a member that is not running, to do harm to. */
export class Victim {
  readonly #dir: string;

  /** `dir` is its data directory. */
  constructor(dir: string) {
    this.#dir = dir;
  }

  /** Something in its data directory. */
  path(...names: string[]): string {
    return join(this.#dir, ...names);
  }

  /**
   * The segment that was written last, where its frames begin, and a place behind
   * them: a file that was used before may hold old ones further on.
   */
  activeSegment(): {
    readonly path: string;
    readonly frames: number;
    readonly end: number;
  } {
    const [newest] = fs.readdirSync(this.path("logs"))
      .filter((name) => name.startsWith("segment-"))
      .map((name) => this.path("logs", name))
      .filter((path) => hasHeader(path) && endOf(path) > SEGMENT_HEADER_BYTES)
      .sort((a, b) => fs.statSync(b).mtimeMs - fs.statSync(a).mtimeMs);
    if (newest === undefined) throw new Error("no segment holds anything");
    return { path: newest, frames: SEGMENT_HEADER_BYTES, end: endOf(newest) };
  }

  /** The file of its database. */
  database(): string {
    const current = fs.readFileSync(
      this.path("state_machine", "current"),
      "utf8",
    );
    return this.path("state_machine", current.trim(), "hiqlite.db");
  }

  /** What is in quarantine, oldest first. */
  quarantines(): string[] {
    try {
      return fs.readdirSync(this.path("quarantine")).sort();
    } catch {
      return [];
    }
  }
}

/** A file kept for later use has none, whatever was in it before. */
function hasHeader(path: string): boolean {
  return fs.readFileSync(path)[0] !== 0;
}

/** Behind the last byte that is not zero. */
function endOf(path: string): number {
  return fs.readFileSync(path).findLastIndex((byte) => byte !== 0) + 1;
}

/** Flips a bit. */
export function flipBit(path: string, offset: number): void {
  const file = fs.openSync(path, "r+");
  const byte = new Uint8Array(1);
  fs.readSync(file, byte, 0, 1, offset);
  byte[0]! ^= 1;
  fs.writeSync(file, byte, 0, 1, offset);
  fs.closeSync(file);
}

/** Puts bytes that mean nothing in the place of what is there. */
export function scribble(path: string, offset: number, length: number): void {
  const file = fs.openSync(path, "r+");
  fs.writeSync(file, new Uint8Array(length).fill(0xa5), 0, length, offset);
  fs.closeSync(file);
}
