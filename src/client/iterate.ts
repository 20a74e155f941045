import type { QueryRequest } from "../node/port.ts";
import { untilAborted } from "../util/abort.ts";
import type { QueryOptions } from "./client.ts";
import type { SeenIndex } from "./live.ts";
import { rowsByName } from "./rows.ts";
import { parseRows } from "./schema.ts";
import type { Transport } from "./transport.ts";

/** See `Client.iterate`. */
export async function* iterateRows<T>(
  transport: Transport,
  request: QueryRequest,
  options: QueryOptions<T>,
  seen: SeenIndex,
): AsyncGenerator<T, void, undefined> {
  const { signal, schema } = options;
  signal?.throwIfAborted();
  const stream = await transport.rows(request, options);
  seen.observe(stream);
  // Whoever waits for something else meanwhile must not hold them.
  const end = (): void => void stream.end();
  signal?.addEventListener("abort", end);
  try {
    for (;;) {
      const rows = await untilAborted(signal, () => stream.next());
      if (rows === null) return;
      const { columns } = stream;
      for (
        const row of await parseRows(rowsByName({ columns, rows }), schema)
      ) {
        signal?.throwIfAborted();
        yield row;
      }
    }
  } finally {
    signal?.removeEventListener("abort", end);
    await stream.end();
  }
}
