import assert from "node:assert/strict";
import { join } from "node:path";
import {
  closeStore,
  contents,
  openStore,
  withFolder,
  writeRound,
} from "./folder.ts";

Deno.test("a killed process leaves everything that it had committed, and nothing of what it had not", async () => {
  await withFolder(async (root) => {
    const dir = join(root, "killed");
    const plain = openStore(join(root, "plain"));
    let round = 0;
    for (let kill = 1; kill <= 3; kill++) {
      const child = new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-check",
          "--no-prompt",
          "--allow-read",
          "--allow-write",
          "--allow-env",
          new URL("./killed_store.ts", import.meta.url).href,
          dir,
        ],
        stdout: "piped",
      }).spawn();
      const reader = child.stdout.pipeThrough(new TextDecoderStream())
        .getReader();
      let said = "";
      while (said.split("\n").length <= 20 * kill) {
        said += (await reader.read()).value ?? "";
      }
      child.kill("SIGKILL");
      for (;;) {
        const { value, done } = await reader.read();
        if (done) break;
        said += value;
      }
      await child.status;
      const told = Number(said.split("\n").at(-2));
      const store = openStore(dir);
      const found = store.position!.applied.index;
      assert.ok(found >= told, `${found}, told ${told}`);
      while (round < found) writeRound(plain, ++round);
      assert.equal(contents(store), contents(plain));
      await closeStore(store);
    }
    await closeStore(plain);
  });
});
