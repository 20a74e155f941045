import { okAnswer } from "../../../../src/state/sqlite/thread/answers.ts";
import { serveRequests } from "../../../../src/state/sqlite/thread/worker_handle.ts";

/** Is idle until the word is 2, which is 1 from then on. */
serveRequests<SharedArrayBuffer>((memory) => {
  const state = new Int32Array(memory);
  return {
    opened: okAnswer(),
    answer: () => okAnswer(),
    interruptHandle: 7n,
    idle() {
      Atomics.store(state, 0, 1);
      Atomics.wait(state, 0, 1);
    },
    close: () => {},
  };
});
