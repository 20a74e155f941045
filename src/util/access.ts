import * as fs from "node:fs";
import { dirname, join } from "node:path";

/** Errors that say: this process may not. */
const DENIED: ReadonlySet<unknown> = new Set(["EACCES", "EPERM", "EROFS"]);

/**
 * What of `names` below the folder `dir`, and of all that is in them, this process
 * may not read and write: which one, whose it is, and what to do; null if it may
 * use everything. Leaves nothing behind.
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

/** Whose the nearest folder above `path` is that exists: who may make it. */
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
    // Every new file system has it, for its administrator only.
    if (name === "lost+found") continue;
    const problem = problemOf(join(path, name), true);
    if (problem !== null) return problem;
  }
  return null;
}

/** Whether nothing can be made in a folder. Tried only where its mode says so: privileges and lists may say otherwise. */
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

/** Null where there are no users, or where it may not be asked. */
function ownUser(): number | null {
  const { state } = Deno.permissions.querySync({ name: "sys", kind: "uid" });
  return state === "granted" ? Deno.uid() : null;
}

/** Null if there is nothing, or it cannot be looked at. */
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
