import { createHash } from "node:crypto";
import * as fs from "node:fs";
import { join } from "node:path";
import { syncPath } from "../../../util/durable_file.ts";

/** What a SQLite library is called on this system. */
export const LIBRARY_NAME: string = Deno.build.os === "darwin"
  ? "libsqlite3.dylib"
  : Deno.build.os === "windows"
  ? "sqlite3.dll"
  : "libsqlite3.so";

/** Only its owner may read, replace and load what is unpacked. */
const MODE = 0o700;
const NAME_DIGITS = 16;

/** The library inside of the compiled program; null if there is none. */
export function embeddedLibrary(): Uint8Array | null {
  if (!Deno.build.standalone) return null;
  try {
    const dist = new URL("../../../../dist/", import.meta.url);
    return fs.readFileSync(new URL(LIBRARY_NAME, dist));
  } catch {
    return null;
  }
}

/**
 * Puts a library into a folder of its own, since the system loads files only. What is there
 * is used if its contents are the same; others, of earlier releases, are removed.
 * @returns its path.
 * @throws {Error} of the file system.
 */
export function unpackLibrary(library: Uint8Array, folder: string): string {
  const sha256 = sha256Of(library);
  const name = `${sha256.slice(0, NAME_DIGITS)}-${LIBRARY_NAME}`;
  const path = join(folder, name);
  fs.mkdirSync(folder, { recursive: true, mode: MODE });
  if (!isThere(path, sha256)) write(path, library);
  for (const other of fs.readdirSync(folder)) {
    if (other !== name) fs.rmSync(join(folder, other), { force: true });
  }
  return path;
}

function isThere(path: string, sha256: string): boolean {
  // A link could lead to what somebody else may change.
  const found = fs.lstatSync(path, { throwIfNoEntry: false });
  return found?.isFile() === true && (found.mode & 0o777) === MODE &&
    sha256Of(fs.readFileSync(path)) === sha256;
}

function write(path: string, library: Uint8Array): void {
  const partial = `${path}.new`;
  fs.rmSync(partial, { force: true });
  const file = fs.openSync(partial, "wx", MODE);
  try {
    fs.writeFileSync(file, library);
    fs.fchmodSync(file, MODE);
    fs.fsyncSync(file);
  } finally {
    fs.closeSync(file);
  }
  fs.renameSync(partial, path);
  syncPath(join(path, ".."));
}

function sha256Of(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}
