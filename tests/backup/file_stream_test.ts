import assert from "node:assert/strict";
import { fileStream } from "../../src/backup/file_stream.ts";
import { collected, randomBytes } from "./bytes.ts";

const MIB = 1024 * 1024;

Deno.test("a file comes in pieces of a mebibyte, whole", async () => {
  const path = await Deno.makeTempFile({ prefix: "hiqlite-stream-" });
  try {
    for (const size of [0, 1, MIB, 2 * MIB + 3]) {
      const bytes = randomBytes(size, 7);
      await Deno.writeFile(path, bytes);
      assert.deepEqual(await collected(fileStream(path)), bytes);
      const lengths = [];
      for await (const piece of fileStream(path)) lengths.push(piece.length);
      assert.deepEqual(
        lengths,
        [MIB, MIB, MIB].map((each, at) => Math.min(each, size - at * MIB))
          .filter((length) => length > 0),
      );
    }
  } finally {
    await Deno.remove(path);
  }
});

Deno.test({
  name:
    "a file that is not read to its end is closed, and one that is not there is the reader's error",
  sanitizeResources: true,
  async fn() {
    const path = await Deno.makeTempFile({ prefix: "hiqlite-stream-" });
    await Deno.writeFile(path, new Uint8Array(3 * MIB));
    const reader = fileStream(path).getReader();
    await reader.read();
    await reader.cancel();
    await Deno.remove(path);
    await assert.rejects(
      fileStream(path).getReader().read(),
      Deno.errors.NotFound,
    );
  },
});
