import type { SqliteDriverSpec } from "../driver/driver.ts";
import { openDriver } from "../driver/open_driver.ts";
import { okAnswer } from "../thread/answers.ts";
import { serveRequests } from "../thread/worker_handle.ts";
import { ReaderRequest } from "./query_codec.ts";
import { Reader } from "./reader.ts";
import { Spooling } from "./spooling.ts";

/** What a Worker for streams of rows is started with. */
export interface SpoolWorkerOptions {
  readonly driver: SqliteDriverSpec;
}

serveRequests<SpoolWorkerOptions>((options, interrupts) => {
  const driver = openDriver(options.driver);
  let reader: Reader | null = null;
  let spooling = new Spooling();
  return {
    opened: okAnswer(),
    answer(request) {
      const kind = request.u8();
      if (kind !== ReaderRequest.open) {
        return spooling.answer(kind, request, reader!);
      }
      // With its connection go the rows of the stream before.
      interrupts.spare(() => {
        reader?.close();
        reader = null;
      });
      spooling = new Spooling();
      const path = request.text();
      if (path !== "") {
        reader = new Reader(driver, path, {
          statementCacheCapacity: 0,
          schemaEpoch: null,
          interrupts,
        });
      }
      return okAnswer();
    },
    get interruptHandle() {
      return reader?.interruptHandle ?? 0n;
    },
    close: () => reader?.close(),
  };
});
