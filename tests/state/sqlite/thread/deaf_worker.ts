import { okAnswer } from "../../../../src/state/sqlite/thread/answers.ts";
import { serveRequests } from "../../../../src/state/sqlite/thread/worker_handle.ts";

/**
 * Hears no interrupt until the first word is 2, which is 1 from then on that it does not, and 3 once it has closed what it
 * had open. The second word tells whether what it ran last may take effect.
 */
serveRequests<SharedArrayBuffer>((memory, interrupts) => {
  const state = new Int32Array(memory);
  return {
    opened: okAnswer(),
    answer() {
      const { count } = interrupts;
      Atomics.store(state, 0, 1);
      Atomics.wait(state, 0, 1);
      Atomics.store(state, 1, Number(interrupts.count === count));
      // More than there is room for: nobody takes it.
      return okAnswer().bytes(new Uint8Array(4096));
    },
    interruptHandle: 7n,
    close: () => void Atomics.store(state, 0, 3),
  };
});
