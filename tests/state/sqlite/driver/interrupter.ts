/// <reference lib="deno.worker" />
/** Interrupts a connection again and again, for the statement that holds the thread of who asks. */
import type { SqliteDriverSpec } from "../../../../src/state/sqlite/driver/driver.ts";
import { openDriver } from "../../../../src/state/sqlite/driver/open_driver.ts";

/** Whom to interrupt. */
export interface Interrupted {
  readonly spec: SqliteDriverSpec;
  readonly handle: bigint;
}

/** How long the statement runs undisturbed, and then from one interrupt to the next, ms. */
const EVERY_MS = 100;

self.onmessage = ({ data }: MessageEvent<Interrupted>) => {
  const { interrupt } = openDriver(data.spec);
  setInterval(() => interrupt!(data.handle), EVERY_MS);
  self.postMessage(null);
};
