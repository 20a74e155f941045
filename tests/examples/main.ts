import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Runs the examples in docstrings, type-checked, in a folder that goes with them. */
const root = fileURLToPath(new URL("../..", import.meta.url));
const folder = await Deno.makeTempDir();
try {
  const { code } = await new Deno.Command(Deno.execPath(), {
    args: [
      "test",
      "--doc",
      "--no-prompt",
      `--config=${join(root, "deno.json")}`,
      "--allow-read",
      "--allow-write=.",
      "--allow-net=127.0.0.1",
      "--allow-env",
      "--allow-sys=hostname,uid,statfs,osRelease,setPriority",
      "--allow-run",
      join(root, "mod.ts"),
      join(root, "src"),
    ],
    cwd: folder,
    // Where examples may write.
    env: { TMPDIR: folder },
  }).spawn().status;
  Deno.exitCode = code;
} finally {
  await Deno.remove(folder, { recursive: true });
}
