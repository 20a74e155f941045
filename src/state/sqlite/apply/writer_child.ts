import type { ByteReader } from "../../../util/bytes.ts";
import type { Served } from "../thread/answers.ts";
import type { SchemaChanges } from "../thread/schema_epoch.ts";
import { WriterRequests } from "./writer_worker.ts";

/** The writer in a process of its own; `opening` is its options as JSON. */
export function serveWriter(
  opening: ByteReader,
  schema: SchemaChanges,
): Served {
  return new WriterRequests(JSON.parse(opening.text()), schema);
}
