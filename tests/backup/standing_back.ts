/**
 * Makes a part of a backup in a process of its own, where no other test has threads, and prints how many
 * threads stood back meanwhile, at most, and how many did before.
 *
 * Usage: standing_back.ts copy|send
 */
import { setTimeout as sleep } from "node:timers/promises";
import { WorkerStore } from "../../src/backup/stores/worker_store.ts";
import { silentLogger } from "../../src/util/logger.ts";
import { S3Stub } from "../s3/stub.ts";
import { printed } from "../state/sqlite/children.ts";
import { Subject } from "../state/sqlite/subject.ts";
import { impatient, optionsOf } from "./s3_store.ts";

/** How many threads of this process stand back. */
function standing(): number {
  return printed("ps", "-T", "-o", "ni=", "-p", `${Deno.pid}`)
    .split("\n").filter((priority) => Number(priority) === 5).length;
}

async function copy(): Promise<number> {
  await using subject = await Subject.open();
  await subject.execute("CREATE TABLE t (pad BLOB)");
  for (let part = 0; part < 8; part++) {
    await subject.execute(
      "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 1000) INSERT INTO t SELECT randomblob(4000) FROM c",
    );
  }
  let most = 0;
  let done = false;
  const built = subject.snapshot().finally(() => done = true);
  while (!done) {
    most = Math.max(most, standing());
    await sleep(1);
  }
  (await built).release();
  return most;
}

async function send(): Promise<number> {
  await using stub = new S3Stub();
  const keys = [{ id: "k1", key: new Uint8Array(32).fill(9) }];
  const store = new WorkerStore(
    { s3: optionsOf(stub), patience: impatient, keys, activeKey: "k1" },
    silentLogger,
  );
  await store.head("backup_node_1_1.sqlite");
  const found = standing();
  await store.close();
  return found;
}

if (import.meta.main) {
  const before = standing();
  const meanwhile = await (Deno.args[0] === "copy" ? copy : send)();
  Deno.stdout.writeSync(new TextEncoder().encode(`${before} ${meanwhile}`));
}
