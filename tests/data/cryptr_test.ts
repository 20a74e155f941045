import assert from "node:assert/strict";
import { KeyRing } from "../../src/backup/key_ring.ts";
import { openStream } from "../../src/backup/seal.ts";

const KEY = { id: "k1_test", key: new Uint8Array(32).fill(7) };

const folder = Deno.env.get("HQL_TEST_DATA");
if (folder !== undefined) {
  for (
    const [sealed, plain] of [
      ["v13.cr", "v13.bin"],
      // Three chunks of 1 KiB, and exactly two.
      ["v2100_1k.cr", "v2100.bin"],
      ["v2048_1k.cr", "v2048.bin"],
    ] as const
  ) {
    Deno.test(`openStream() opens ${sealed}, which cryptr sealed`, async () => {
      const file = await Deno.open(`${folder}/cryptr/${sealed}`);
      const opened = file.readable.pipeThrough(
        openStream(new KeyRing([KEY], KEY.id)),
      );
      assert.deepEqual(
        new Uint8Array(await new Response(opened).arrayBuffer()),
        await Deno.readFile(`${folder}/cryptr/${plain}`),
      );
    });
  }
}
