import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { run } from "./command.ts";

/** How long the file system must be able to go without writing anything by itself, s. */
const COMMIT_SECONDS = 300;

/** A process that was killed may hold files open for so long, ms. */
const RELEASE_MS = 10_000;

/**
 * An ext4 file system in a file. When its power fails it stops as it is: what
 * was not synced is gone (unless the kernel happened to write it before), as on
 * a machine that loses power.
 */
export class LoopDisk implements AsyncDisposable {
  /** Where it is mounted. */
  readonly path: string;
  readonly #image: string;
  #mounted = false;

  private constructor(image: string, path: string) {
    this.#image = image;
    this.path = path;
  }

  /** Makes one, to see whether this machine allows it. @throws {Error} with what it does not allow. */
  static async attempt(): Promise<void> {
    const root = await Deno.makeTempDir({ prefix: "hiqlite-disk-" });
    try {
      await using disk = await LoopDisk.create(
        join(root, "image"),
        join(root, "disk"),
        16,
      );
      await disk.cutPower();
    } finally {
      await Deno.remove(root, { recursive: true });
    }
  }

  /**
   * Makes a file system of `megabytes` in the file `image`, which grows with its
   * contents, and mounts it at `path`.
   * @throws {Error} naming the tool that is missing, or what is not allowed.
   */
  static async create(
    image: string,
    path: string,
    megabytes: number,
  ): Promise<LoopDisk> {
    const disk = new LoopDisk(image, path);
    await Deno.mkdir(path, { recursive: true, mode: 0o700 });
    {
      using file = await Deno.open(image, { write: true, createNew: true });
      await file.truncate(megabytes << 20);
    }
    await run(["mkfs.ext4", "-q", "-F", image]);
    try {
      await disk.#mount();
      await run(["sync", "--file-system", path]);
    } catch (error) {
      await disk[Symbol.asyncDispose]();
      throw error;
    }
    return disk;
  }

  /**
   * Takes the power away, while nobody runs who uses it, and gives it back: the
   * journal is replayed as after any unclean stop.
   */
  async cutPower(): Promise<void> {
    // Without its flag the log is not flushed either.
    await run(["xfs_io", "-x", "-c", "shutdown", this.path]);
    await this.#unmount();
    await this.#mount();
  }

  /** Unmounts it, at the latest when nobody uses it any more; that also detaches the file, which stays. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#mounted) await run(["umount", "--lazy", this.path]);
  }

  async #mount(): Promise<void> {
    const options = `loop,commit=${COMMIT_SECONDS}`;
    await run(["mount", "-o", options, this.#image, this.path]);
    this.#mounted = true;
    // Fails if something still held the old file system: then this is that one, and dead.
    await Deno.chmod(this.path, 0o700);
  }

  async #unmount(): Promise<void> {
    const deadline = performance.now() + RELEASE_MS;
    for (;;) {
      try {
        await run(["umount", this.path]);
        this.#mounted = false;
        return;
      } catch (error) {
        // The child processes of a killed member end by themselves, soon.
        if (performance.now() > deadline) throw error;
        await sleep(20);
      }
    }
  }
}
