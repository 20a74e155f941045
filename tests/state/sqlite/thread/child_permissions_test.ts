import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { printed } from "../children.ts";

const PROGRAM = fileURLToPath(
  new URL("./permissive_child.ts", import.meta.url),
);

Deno.test("L3 a child of a program that may do everything gives up what it does not need, and a reader writing, too", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hql-permissions-" });
  try {
    const said = printed(
      Deno.execPath(),
      ...["run", "--no-check", "--no-prompt", "--allow-all"],
      ...[PROGRAM, folder],
    );
    assert.deepEqual(said.trim().split("\n"), [
      "net run env ffi read statfs write",
      "read statfs write",
      "read statfs",
    ]);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
