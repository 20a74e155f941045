// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
import { parseArgs } from "node:util";
import type { Found, Task } from "./worker.ts";

/** Histories that a worker gets at a time. */
const SEEDS_PER_TASK = 20;
const EXAMPLES = 10;
/** Between two lines of progress, ms. */
const TELL_MS = 30_000;

const { values } = parseArgs({
  options: {
    histories: { type: "string", default: "2000" },
    seed: { type: "string", default: "1" },
    workers: { type: "string", default: String(navigator.hardwareConcurrency) },
    json: { type: "string" },
  },
});
const histories = Number(values.histories);
const first = Number(values.seed);
const begun = performance.now();
let next = 0;
let done = 0;
const found: Found[] = [];

function nextTask(): Task | null {
  if (next >= histories) return null;
  const count = Math.min(SEEDS_PER_TASK, histories - next);
  const seeds = Array.from({ length: count }, (_, i) => first + next + i);
  next += count;
  return { seeds };
}

function run(): Promise<void> {
  const worker = new Worker(new URL("./worker.ts", import.meta.url), {
    type: "module",
  });
  return new Promise<void>((resolve, reject) => {
    /** Nothing until the worker says that it listens. */
    let task: Task | null = null;
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
    };
    worker.onmessage = ({ data }: MessageEvent<readonly Found[]>) => {
      done += task?.seeds.length ?? 0;
      for (const one of data) {
        found.push(one);
        report(one);
      }
      task = nextTask();
      if (task === null || found.length >= EXAMPLES) resolve();
      else worker.postMessage(task);
    };
  }).finally(() => worker.terminate());
}

function report({ seed, difference, history }: Found): void {
  console.log(`seed ${seed}: ${difference}`);
  for (const { kind, statements } of history) {
    console.log(`  ${kind}: ${statements.join(";\n    ")}`);
  }
}

const telling = setInterval(() => {
  const seconds = Math.round((performance.now() - begun) / 1000);
  console.error(
    `${done} of ${histories} histories after ${seconds} s: ${found.length} differ`,
  );
}, TELL_MS);
await Promise.all(Array.from({ length: Number(values.workers) }, run));
clearInterval(telling);
const seconds = (performance.now() - begun) / 1000;
console.log(
  `${done} histories from seed ${first} on in ${
    seconds.toFixed(1)
  } s: ${found.length} differ`,
);
if (values.json !== undefined) {
  const result = { histories: done, seed: first, seconds, found };
  Deno.writeTextFileSync(values.json, JSON.stringify(result, null, 2) + "\n");
}
Deno.exit(found.length === 0 ? 0 : 1);
