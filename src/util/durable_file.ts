import {
  closeSync,
  fsyncSync,
  openSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname } from "node:path";

/** Only its owner may read what is kept here. */
const MODE = 0o600;

/** Makes a file or a directory durable. */
export function syncPath(path: string): void {
  const file = openSync(path, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** The same, beside what else this thread has to do. */
export async function syncPathLater(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}

/**
 * Replaces what a file holds, durably: after a crash it is the old or the new text, whole.
 * `path` with `.new` at its end is used for that. The file's mode is 0600.
 */
export function replaceFile(path: string, text: string): void {
  const partial = `${path}.new`;
  // What was left there, or planted, goes first: a link is never followed.
  rmSync(partial, { force: true });
  const file = openSync(partial, "wx", MODE);
  try {
    writeFileSync(file, text);
    // Not by the option `flush` of writeFileSync, which the runtime ignores.
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  renameSync(partial, path);
  syncPath(dirname(path));
}

/** The same, beside what else this thread has to do. */
export async function replaceFileLater(
  path: string,
  text: string,
): Promise<void> {
  const partial = `${path}.new`;
  await rm(partial, { force: true });
  const file = await open(partial, "wx", MODE);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(partial, path);
  await syncPathLater(dirname(path));
}
