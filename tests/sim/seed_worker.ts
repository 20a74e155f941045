/// <reference no-default-lib="true" />
/// <reference lib="deno.worker" />
import { runSeed } from "./workers.ts";

// Each message is a seed; the answer is what it did.
self.onmessage = ({ data }: MessageEvent<[seed: number, twice: number]>) => {
  self.postMessage(runSeed(...data));
};
