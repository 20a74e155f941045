import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { printed } from "../state/sqlite/children.ts";

const PROGRAM = fileURLToPath(new URL("./standing_back.ts", import.meta.url));

for (
  const [part, who] of [
    ["copy", "the thread that copies the database"],
    ["send", "the thread that speaks with S3"],
  ] as const
) {
  Deno.test({
    name: `${who} stands back behind those that answer somebody`,
    ignore: Deno.build.os !== "linux",
    fn() {
      const threads = printed(
        Deno.execPath(),
        ...["run", "--no-check", "--quiet", "--no-prompt", "--allow-read"],
        ...["--allow-write", "--allow-env", "--allow-sys", "--allow-net"],
        ...["--allow-run", "--allow-ffi", PROGRAM, part],
      );
      // With it do the threads that it has begun.
      assert.match(threads, /^0 [1-9]\d*$/);
    },
  });
}
