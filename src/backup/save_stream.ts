import { createHash } from "node:crypto";
import type { FileHandle } from "node:fs/promises";

/** What was written. */
export interface SavedStream {
  readonly size: number;
  /** Of its bytes, in hex. */
  readonly sha256: string;
}

/** Writes what comes to an open file, durably. The file stays open. */
export async function saveStream(
  source: ReadableStream<Uint8Array>,
  file: FileHandle,
): Promise<SavedStream> {
  const hash = createHash("sha256");
  let size = 0;
  for await (const chunk of source) {
    hash.update(chunk);
    size += chunk.length;
    await file.writeFile(chunk);
  }
  await file.sync();
  return { size, sha256: hash.digest("hex") };
}
