import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import {
  CallerEnd,
  createChannelMemory,
} from "../../../../src/state/sqlite/thread/channel.ts";
import { SeededRandom } from "../../../../src/util/random.ts";

/** A channel to a Worker that echoes, with the messages that came back. */
class Echo implements AsyncDisposable {
  readonly #worker = new Worker(new URL("../echo_worker.ts", import.meta.url), {
    type: "module",
  });
  readonly #channel: CallerEnd;
  readonly #waiting: ((message: Uint8Array) => void)[] = [];

  constructor(ringBytes: number) {
    const memory = createChannelMemory(ringBytes);
    this.#channel = new CallerEnd(
      memory,
      (message) => this.#waiting.shift()!(message),
    );
    this.#worker.postMessage(memory);
  }

  send(message: Uint8Array): Promise<Uint8Array> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#channel.send(message);
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.send(new Uint8Array(0));
    this.#channel.close();
    this.#worker.terminate();
  }
}

function randomMessage(random: SeededRandom, length: number): Uint8Array {
  return Uint8Array.from({ length }, () => random.uint32());
}

Deno.test("CallerEnd and WorkerEnd pass messages of all sizes around the ring, in order", async () => {
  const seed = 20231114;
  const random = new SeededRandom(seed);
  await using echo = new Echo(256);
  const messages = Array.from(
    { length: 400 },
    (_, i) =>
      randomMessage(
        random,
        1 + (random.uint32() % (i % 20 === 0 ? 3000 : 100)),
      ),
  );
  const echoes = await Promise.all(messages.map((m) => echo.send(m)));
  assert.deepEqual(echoes, messages, `seed ${seed}`);
});

Deno.test("CallerEnd and WorkerEnd pass a message much larger than the ring", async () => {
  await using echo = new Echo(4096);
  const message = randomMessage(new SeededRandom(1), 5_000_000);
  assert.deepEqual(await echo.send(message), message);
});

Deno.test("CallerEnd wakes a Worker that sleeps, again and again", async () => {
  await using echo = new Echo(1024);
  for (let i = 1; i < 300; i++) {
    const [byte] = await echo.send(new Uint8Array([i]));
    assert.equal(byte, i % 256);
  }
});

Deno.test("who interrupts a Worker has done so before the Worker is spared", async () => {
  const memory = createChannelMemory(256);
  const state = new Int32Array(new SharedArrayBuffer(4));
  const answered = Promise.withResolvers<number>();
  const caller = new CallerEnd(
    memory,
    (counted) => answered.resolve(counted[0]!),
  );
  const worker = new Worker(
    new URL("./spared_worker.ts", import.meta.url),
    { type: "module" },
  );
  worker.postMessage({ memory, state: state.buffer });
  // Nothing can be interrupted yet, or it can be already.
  const early = { count: 0 };
  caller.interrupt(() => early.count++);
  while (Atomics.load(state, 0) === 0) await sleep(1);
  let handle = 0n;
  caller.interrupt((given) => {
    handle = given;
    caller.send(new Uint8Array(1));
    const until = performance.now() + 100;
    while (performance.now() < until) assert.equal(Atomics.load(state, 0), 1);
  });
  assert.equal(handle, 7n);
  assert.equal(await answered.promise, early.count + 1);
  assert.equal(Atomics.load(state, 0), 2);
  caller.close();
});

Deno.test("nobody interrupts what a Worker does of its own after an answer", async () => {
  const memory = createChannelMemory(256);
  const state = new Int32Array(new SharedArrayBuffer(4));
  const caller = new CallerEnd(memory, () => {});
  const worker = new Worker(new URL("./idle_worker.ts", import.meta.url), {
    type: "module",
  });
  worker.postMessage({ memory, options: state.buffer });
  caller.send(new Uint8Array(1));
  while (Atomics.load(state, 0) === 0) await sleep(1);
  let handle = 0n;
  const interrupt = () => caller.interrupt((given) => handle = given);
  interrupt();
  assert.equal(handle, 0n);
  Atomics.store(state, 0, 2);
  Atomics.notify(state, 0);
  for (; handle === 0n; await sleep(1)) interrupt();
  assert.equal(handle, 7n);
  caller.send(new Uint8Array(0));
  caller.close();
});
