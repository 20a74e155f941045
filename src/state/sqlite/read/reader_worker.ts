import type { SqliteDriverSpec } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { ReaderRequest, readQuery } from "./query_codec.ts";
import { answerQuery } from "./answer_query.ts";
import { Reader } from "./reader.ts";
import { SchemaEpoch } from "../thread/schema_epoch.ts";
import { okAnswer } from "../thread/answers.ts";
import { serveRequests } from "../thread/worker_handle.ts";

/** What a reader Worker is started with. */
export interface ReaderOptions {
  readonly driver: SqliteDriverSpec;
  readonly path: string;
  readonly statementCacheCapacity: number;
  /** Null: nothing is cached, and each answer tells the index whose state it read. */
  readonly schemaEpoch: SharedArrayBuffer | null;
}

serveRequests<ReaderOptions>((options, interrupts) => {
  let { path } = options;
  const driver = openDriver(options.driver);
  const open = (): Reader =>
    new Reader(driver, path, {
      statementCacheCapacity: options.statementCacheCapacity,
      schemaEpoch: options.schemaEpoch === null
        ? null
        : new SchemaEpoch(options.schemaEpoch),
      interrupts,
    });
  let reader: Reader | null = null;
  try {
    reader = open();
  } catch {
    // The file may have been replaced before this thread began; else the first query says why.
  }
  return {
    opened: okAnswer(),
    answer(request) {
      if (request.u8() === ReaderRequest.open) {
        path = request.text();
        interrupts.spare(() => {
          reader?.close();
          reader = null;
          reader = open();
        });
        return okAnswer();
      }
      // If it could not be opened when the file was replaced, the query says why.
      reader ??= open();
      const answer = okAnswer(256);
      answerQuery(answer, reader, readQuery(request));
      return answer;
    },
    get interruptHandle() {
      return reader?.interruptHandle ?? 0n;
    },
    close: () => reader?.close(),
  };
});
