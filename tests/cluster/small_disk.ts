import { run } from "./command.ts";

/** A file system of its own, held in memory, that can be full. */
export class SmallDisk implements AsyncDisposable {
  readonly path: string;
  readonly #megabytes: number;

  private constructor(path: string, megabytes: number) {
    this.path = path;
    this.#megabytes = megabytes;
  }

  /** Mounts one, to see whether this machine allows it. @throws {Error} with what it does not allow. */
  static async attempt(): Promise<void> {
    const path = await Deno.makeTempDir({ prefix: "hiqlite-disk-" });
    try {
      await using _ = await SmallDisk.mount(path, 1);
    } finally {
      await Deno.remove(path, { recursive: true });
    }
  }

  /** Mounts one at `path`. @throws {Error} where that is not allowed, as to anybody but root. */
  static async mount(path: string, megabytes: number): Promise<SmallDisk> {
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    const options = `size=${megabytes}m,mode=0700`;
    await run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", path]);
    return new SmallDisk(path, megabytes);
  }

  /** Takes all the room that is left, but for so many pages of 4 KiB. */
  async fill(pagesLeft = 0): Promise<void> {
    using file = await Deno.open(this.#ballast, { write: true, create: true });
    await file.seek(0, Deno.SeekMode.End);
    for (let size = 1 << 20; size >= 4096; size /= 2) {
      const block = new Uint8Array(size);
      try {
        for (let i = 0; i < this.#megabytes; i++) await file.write(block);
      } catch (error) {
        // No room for a block of this size any more.
        if ((error as { code?: string }).code !== "ENOSPC") throw error;
      }
    }
    const { size } = await file.stat();
    await file.truncate(size - 4096 * pagesLeft);
  }

  /** Gives it back. */
  async clear(): Promise<void> {
    await Deno.remove(this.#ballast);
  }

  /** Unmounts it, though a member's reader may hold a file for a moment after its end. */
  async [Symbol.asyncDispose](): Promise<void> {
    await run(["umount", "--lazy", this.path]);
  }

  get #ballast(): string {
    return `${this.path}/ballast`;
  }
}
