import assert from "node:assert/strict";
import { SpareFiles } from "../../src/server/spare_files.ts";
import { poll } from "../cluster/harness.ts";

Deno.test("descriptors are kept back, all given when one is missing, and taken back when there are enough", async () => {
  // A file that is gone stands for a system that opens none: either way `open` throws.
  const path = Deno.makeTempFileSync({ prefix: "hql-spare-" });
  let scarce = 0;
  const spare = new SpareFiles(path, () => scarce++);
  try {
    const kept = spare.kept;
    assert.ok(
      kept >= 16,
      `${kept} are too few for a log, a database and pipes`,
    );
    Deno.removeSync(path);
    await poll(
      "the shortage to be seen",
      10_000,
      () => Promise.resolve(scarce > 0),
    );
    assert.equal(spare.kept, 0);
    Deno.writeTextFileSync(path, "");
    await poll(
      "them to be taken back",
      10_000,
      () => Promise.resolve(spare.kept > 0),
    );
    assert.equal(spare.kept, kept);
    assert.equal(scarce, 1);
    spare.release();
    assert.equal(spare.kept, 0);
  } finally {
    spare.close();
    Deno.removeSync(path);
  }
  assert.equal(spare.kept, 0);
});
