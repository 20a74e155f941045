import fs from "node:fs";

/**
 * Loaded before a member's own code: once the file named by
 * `TEST_FAIL_FSYNC` exists, the log's fdatasync fails as on a broken disk.
 */
const marker = Deno.env.get("TEST_FAIL_FSYNC")!;
const { fdatasync } = fs;

fs.fdatasync = ((fd: number, done: (error: Error | null) => void): void => {
  if (!fs.existsSync(marker)) return fdatasync(fd, done);
  const error = Object.assign(new Error("EIO: i/o error, fdatasync"), {
    code: "EIO",
  });
  queueMicrotask(() => done(error));
}) as typeof fs.fdatasync;
