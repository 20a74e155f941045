import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WriterLostError } from "../../../../src/state/port.ts";
import { WorkerHandle } from "../../../../src/state/sqlite/thread/worker_handle.ts";

Deno.test("a Worker that hears no interrupt in time is given up, and closes what it has open when it can, which nobody else could", async () => {
  const state = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./deaf_worker.ts", import.meta.url), {
    type: "module",
  });
  const handle = new WorkerHandle(
    worker,
    {
      ringBytes: 256,
      options: state.buffer,
      interrupt: () => {},
      interruptMs: 20,
    },
    (error) => assert.equal(error, null),
  );
  const ask = () =>
    new Promise<Error | null>((resolve) =>
      handle.request(new Uint8Array(1), resolve)
    );
  const ended = [ask(), ask()];
  while (Atomics.load(state, 0) === 0) await sleep(1);
  handle.abort("it takes too long");
  for (const error of await Promise.all(ended)) {
    assert.ok(error instanceof WriterLostError, String(error));
  }
  assert.equal(handle.alive, false);
  await handle.close(0);
  assert.equal(Atomics.load(state, 0), 1);
  Atomics.store(state, 0, 2);
  Atomics.notify(state, 0);
  // It does not begin with what else it was asked.
  for (let i = 0; i < 2000 && Atomics.load(state, 0) === 2; i++) {
    await sleep(10);
  }
  assert.equal(Atomics.load(state, 0), 3);
});
