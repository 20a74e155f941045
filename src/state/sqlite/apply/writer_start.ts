import { SchemaEpoch } from "../thread/schema_epoch.ts";
import { serveRequests } from "../thread/worker_handle.ts";
import type { WriterOptions } from "./writer_protocol.ts";
import { WriterRequests } from "./writer_worker.ts";

/** What the writer Worker is started with. */
export interface WriterWorkerOptions extends WriterOptions {
  readonly schemaEpoch: SharedArrayBuffer;
}

serveRequests<WriterWorkerOptions>((options) =>
  new WriterRequests(options, new SchemaEpoch(options.schemaEpoch))
);
