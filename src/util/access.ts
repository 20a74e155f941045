import * as fs from "node:fs";
import { dirname, join } from "node:path";

/** Error codes for missing permission. */
const DENIED: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * Looks at the folder `dir`, at `names` in it and at everything below them. Describes
 * the first file or folder that this process may not read and write: its path, its
 * owner and what to do. Returns null if it may use everything. Leaves nothing behind.
 */
export function findDenied(
  dir: string,
  names: readonly string[],
): string | null {
  const top = problemOf(dir, false);
  if (top !== null) return advice(top, dir);
  for (const name of names) {
    const path = join(dir, name);
    const problem = problemOf(path, true);
    if (problem !== null) return advice(problem, dir);
  }
  return null;
}

/** Describes the owner of the nearest existing folder above `path`, who may create it. */
export function describeParent(path: string): string {
  for (let above = dirname(path);; above = dirname(above)) {
    const stat = statOf(above);
    if (stat !== null) {
      return `${above} ${
        ownerAndMode(stat)
      }, ${thisProcess()}: make the folder for that user, or choose another data_dir`;
    }
    if (above === dirname(above)) return "choose another data_dir";
  }
}

interface Denied {
  readonly path: string;
  readonly stat: fs.Stats;
}

/** The first thing at or below `path` that cannot be used. */
function problemOf(path: string, deep: boolean): Denied | null {
  const stat = statOf(path);
  if (stat === null) return null;
  if (stat.isFile()) {
    return isDenied(() => fs.closeSync(fs.openSync(path, "r+")))
      ? { path, stat }
      : null;
  }
  if (!stat.isDirectory()) return null;
  let names: string[] = [];
  if (isDenied(() => names = fs.readdirSync(path)) || isReadOnly(path, stat)) {
    return { path, stat };
  }
  if (!deep) return null;
  for (const name of names) {
    // A new ext file system has this folder, for its administrator only.
    if (name === "lost+found") continue;
    const problem = problemOf(join(path, name), true);
    if (problem !== null) return problem;
  }
  return null;
}

/** Whether nothing can be created in a folder. Tried only where its mode forbids it, since privileges and access lists may allow it. */
function isReadOnly(path: string, { uid, mode }: fs.Stats): boolean {
  const me = ownUser();
  if (me === 0 || (mode & (me === uid ? 0o200 : 0o022)) !== 0) return false;
  return isDenied(() => fs.rmdirSync(fs.mkdtempSync(join(path, "access-"))));
}

function advice({ path, stat }: Denied, dir: string): string {
  const me = ownUser();
  const remedy = stat.uid === me
    ? `chmod -R u+rwX ${dir}`
    : `chown -R ${me ?? "<user>"} ${dir}, or run it as user ${stat.uid}`;
  return `it may not read and write ${path}, which ${
    ownerAndMode(stat)
  }, ${thisProcess()}: ${remedy}`;
}

function ownerAndMode({ uid, mode }: fs.Stats): string {
  return `belongs to user ${uid} with mode ${(mode & 0o7777).toString(8)}`;
}

function thisProcess(): string {
  const me = ownUser();
  return me === null
    ? "and this process runs as another one"
    : `and this process runs as user ${me}`;
}

/** This process's user id; null without users, or without permission to ask. */
export function ownUser(): number | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "uid" });
  return state === "granted" ? Deno.uid() : null;
}

/** Null if nothing is there, or it cannot be examined. */
function statOf(path: string): fs.Stats | null {
  try {
    return fs.statSync(path);
  } catch {
    return null;
  }
}

function isDenied(attempt: () => void): boolean {
  try {
    attempt();
    return false;
  } catch (error) {
    return DENIED.has((error as { code?: unknown }).code);
  }
}
