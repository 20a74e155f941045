import { setPriority } from "node:os";

/** Of two threads that want the same processor one that stands back gets a quarter: enough to come to an end on a busy machine. */
const NICE = 5;

/**
 * From here on the threads of this process that answer somebody go before this one, when all of them want a processor. Only
 * Linux knows priorities of threads: elsewhere, and without `--allow-sys=setPriority`, nothing changes. Not to be undone.
 */
export function standBack(): void {
  if (Deno.build.os !== "linux") return;
  try {
    // Of the thread that calls, which 0 stands for.
    setPriority(0, NICE);
  } catch {
    // Slower for others, but as right.
  }
}
