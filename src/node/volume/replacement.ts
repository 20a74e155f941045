import * as fs from "node:fs";
import { join } from "node:path";
import { syncPath } from "../../util/durable_file.ts";

/** Where what shall take the place of a member's data is prepared; nobody reads it before it is complete. */
const PREPARED = "restore.tmp";
/** Its name from the moment on from which it counts, with that moment. */
const COMPLETE = /^restore\.(\d{4}-[\dTZ-]+)$/;

/** Where the replacement of what is in the data directory `dir` is prepared. */
export function replacementPath(dir: string): string {
  return join(dir, PREPARED);
}

/** Removes what was prepared and never completed. */
export function dropUnfinishedReplacement(dir: string): void {
  fs.rmSync(replacementPath(dir), { recursive: true, force: true });
}

/**
 * Makes what was prepared count: by one rename, before which the data is as it was, and after which the new
 * one takes its place even if this process ends now. {@linkcode finishReplacement} does the rest.
 */
export function commitReplacement(dir: string, now: Date): void {
  syncTree(replacementPath(dir));
  const stamp = now.toISOString().replaceAll(/[:.]/g, "-");
  fs.renameSync(replacementPath(dir), join(dir, `restore.${stamp}`));
  syncPath(dir);
}

/**
 * Puts a replacement that counts in its place, and what was there into `quarantine/`; `names` are the files and
 * folders of the data, the one last that says whose it is. False if there is none; whoever was interrupted does it again.
 */
export function finishReplacement(
  dir: string,
  names: readonly string[],
  quarantine: string,
): boolean {
  const stamp = stampOf(dir);
  if (stamp === null) return false;
  const from = join(dir, `restore.${stamp}`);
  const aside = join(dir, quarantine, stamp);
  for (const name of names) {
    const next = join(from, name);
    if (!fs.existsSync(next)) continue;
    const old = join(dir, name);
    if (fs.existsSync(old)) {
      fs.mkdirSync(aside, { recursive: true, mode: 0o700 });
      fs.renameSync(old, join(aside, name));
      syncPath(aside);
    }
    fs.renameSync(next, old);
    syncPath(dir);
  }
  fs.rmSync(from, { recursive: true });
  syncPath(dir);
  return true;
}

function stampOf(dir: string): string | null {
  for (const name of fs.readdirSync(dir)) {
    const found = COMPLETE.exec(name);
    if (found !== null) return found[1]!;
  }
  return null;
}

/** Makes everything below a folder durable, folders after what is in them. */
function syncTree(path: string): void {
  for (const entry of fs.readdirSync(path, { withFileTypes: true })) {
    const below = join(path, entry.name);
    if (entry.isDirectory()) syncTree(below);
    else if (entry.isFile()) syncPath(below);
  }
  syncPath(path);
}
