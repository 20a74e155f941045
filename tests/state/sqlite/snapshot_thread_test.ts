import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { printed } from "./children.ts";
import { Subject } from "./subject.ts";

/** How many threads of this process stand back. */
function standingBack(): number {
  return printed("ps", "-T", "-o", "ni=", "-p", `${Deno.pid}`)
    .split("\n").filter((priority) => Number(priority) === 5).length;
}

Deno.test({
  name:
    "the thread that copies the database stands back behind those that answer somebody",
  ignore: Deno.build.os !== "linux",
  async fn() {
    await using subject = await Subject.open();
    await subject.execute("CREATE TABLE t (pad BLOB)");
    for (let part = 0; part < 8; part++) {
      await subject.execute(
        "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000) INSERT INTO t SELECT randomblob(4000) FROM c",
      );
    }
    const before = standingBack();
    let most = before;
    let done = false;
    const built = subject.snapshot().finally(() => done = true);
    while (!done) {
      most = Math.max(most, standingBack());
      await sleep(1);
    }
    (await built).release();
    assert.equal(most, before + 1);
  },
});
