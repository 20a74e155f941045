import { statfs } from "node:fs/promises";

/** Bytes that are free where a path is; null if the system does not say, or this process may not ask (`--allow-sys=statfs`). */
export async function freeBytes(path: string): Promise<number | null> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return null;
  }
}
