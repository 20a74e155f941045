import { writeRows } from "../result.ts";
import { nodeDriver } from "./node_driver.ts";
import { readQuery } from "./query_codec.ts";
import { Reader } from "./reader.ts";
import { SchemaEpoch } from "./schema_epoch.ts";
import { okAnswer, serveRequests } from "./worker_handle.ts";

/** What a reader Worker is started with. */
export interface ReaderOptions {
  readonly path: string;
  readonly statementCacheCapacity: number;
  readonly schemaEpoch: SharedArrayBuffer;
}

serveRequests<ReaderOptions>((options) => {
  const reader = new Reader(nodeDriver, options.path, {
    statementCacheCapacity: options.statementCacheCapacity,
    schemaEpoch: new SchemaEpoch(options.schemaEpoch),
  });
  return {
    opened: okAnswer(),
    answer(request) {
      const { statement, limits } = readQuery(request);
      const { columns, rows } = reader.query(
        statement.sql,
        statement.params,
        limits,
      );
      const answer = okAnswer(256);
      writeRows(answer, columns, rows);
      return answer;
    },
    close: () => reader.close(),
  };
});
