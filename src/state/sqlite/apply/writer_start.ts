import { SchemaEpoch } from "../thread/schema_epoch.ts";
import { serveRequests } from "../thread/worker_handle.ts";
import type { WriterOptions } from "./writer_protocol.ts";
import { WriterRequests } from "./writer_worker.ts";

/** What the writer Worker is started with. */
export interface WriterWorkerOptions extends WriterOptions {
  readonly schemaEpoch: SharedArrayBuffer;
  /** A word that says which command of a preparation runs. */
  readonly progress: SharedArrayBuffer;
}

serveRequests<WriterWorkerOptions>((options, interrupts) => {
  const progress = new Int32Array(options.progress);
  return new WriterRequests(
    options,
    new SchemaEpoch(options.schemaEpoch),
    { begins: (at) => void Atomics.store(progress, 0, at) },
    interrupts,
  );
});
