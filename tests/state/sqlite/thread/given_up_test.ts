import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { WriterLostError } from "../../../../src/state/port.ts";
import { WorkerHandle } from "../../../../src/state/sqlite/thread/worker_handle.ts";

/** A Worker that runs something and hears no interrupt, and its words. */
async function deafWorker() {
  const state = new Int32Array(new SharedArrayBuffer(8));
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
  return { handle, state, ended };
}

/** Lets it go on, and sees that it closes what it has open and that nothing of what it ran takes effect. */
async function goesOnAndCloses(state: Int32Array): Promise<void> {
  assert.equal(Atomics.load(state, 0), 1);
  Atomics.store(state, 0, 2);
  Atomics.notify(state, 0);
  // It does not begin with what else it was asked.
  for (let i = 0; i < 2000 && Atomics.load(state, 0) === 2; i++) {
    await sleep(10);
  }
  assert.deepEqual([...state], [3, 0]);
}

Deno.test("a Worker that hears no interrupt in time is given up, and closes what it has open when it can, which nobody else could", async () => {
  const { handle, state, ended } = await deafWorker();
  handle.abort("it takes too long");
  for (const error of await Promise.all(ended)) {
    assert.ok(error instanceof WriterLostError, String(error));
  }
  assert.equal(handle.alive, false);
  await handle.close(0);
  await goesOnAndCloses(state);
});

Deno.test("what a Worker runs that is given up at the end takes no effect", async () => {
  const { handle, state, ended } = await deafWorker();
  await handle.close(20);
  for (const error of await Promise.all(ended)) assert.ok(error !== null);
  await goesOnAndCloses(state);
});
