import * as fs from "node:fs";
import { dirname } from "node:path";
import { ownUser } from "./access.ts";

/** What of a folder or file matters here. */
type Facts = Pick<fs.Stats, "uid" | "mode" | "dev">;

/** Why others than this process's user could have written what is in a folder. */
export interface Exposure {
  /** Whose it is, and what to do. */
  readonly problem: string;
  /** It is where a volume was mounted, as containers get theirs: the system gave it, nobody else is there. */
  readonly volume: boolean;
}

/** Whether somebody else can put something into a folder: a file that would be believed, or a link that would be followed. Null if only this process's user, and root, can. */
export function findExposed(dir: string): Exposure | null {
  if (Deno.build.os === "windows") return null;
  const path = fs.realpathSync(dir);
  return exposureOf(
    path,
    fs.statSync(path),
    fs.statSync(dirname(path)),
    ownUser(),
  );
}

/** The same, from what is known of the folder and the one above; `me` is null if this process may not ask who it is. */
export function exposureOf(
  path: string,
  folder: Facts,
  above: Facts,
  me: number | null,
): Exposure | null {
  const { uid, mode } = folder;
  const volume = folder.dev !== above.dev;
  // Kubernetes gives a volume to the group of those it is for.
  const writable = (mode & (volume ? 0o002 : 0o022)) !== 0;
  const foreign = me !== null && uid !== me && uid !== 0;
  if (!writable && !foreign) return null;
  const who = `belongs to user ${uid} with mode ${(mode & 0o7777).toString(8)}`;
  const remedy = foreign
    ? `chown -R ${me} ${path}, or run it as user ${uid}`
    : `chmod go-w ${path}, once you know all that is in it`;
  return {
    problem: `others can write to it: it ${who}. ${remedy}`,
    volume,
  };
}

/** The mode of a file that others than its owner can read; null of one that they cannot. */
export function readableMode(path: string): string | null {
  if (Deno.build.os === "windows") return null;
  const { mode } = fs.statSync(path);
  return (mode & 0o044) === 0 ? null : (mode & 0o777).toString(8);
}
