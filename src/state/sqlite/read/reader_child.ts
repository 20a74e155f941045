import type { ByteReader } from "../../../util/bytes.ts";
import { openDriver } from "../driver/open_driver.ts";
import { okAnswer, type Served } from "../thread/answers.ts";
import { CHILD_LIMITS } from "../thread/child_command.ts";
import { giveUpWriting } from "../thread/child_permissions.ts";
import { answerQuery } from "./answer_query.ts";
import { ReaderRequest, readOpening, readQuery } from "./query_codec.ts";
import { Reader } from "./reader.ts";
import { Spooling } from "./spooling.ts";

/** A process that has grown beyond this is not used again: the memory goes back to the system. */
const RSS_KEPT_BYTES = 256 * 1024 * 1024;

/** Guarded queries in a process of its own; `opening` tells driver and path of the database. */
export function serveReader(opening: ByteReader): Served {
  const { driver, path } = readOpening(opening);
  const reader = new Reader(openDriver(driver), path, {
    statementCacheCapacity: 0,
    schemaEpoch: null,
    heapBytes: CHILD_LIMITS.reader.sqliteBytes,
  });
  giveUpWriting();
  const spooling = new Spooling();
  return {
    opened: okAnswer(),
    answer(request) {
      const kind = request.u8();
      if (kind !== ReaderRequest.query) {
        return spooling.answer(kind, request, reader);
      }
      const answer = okAnswer(4096);
      answerQuery(answer, reader, readQuery(request));
      return answer.u8(Deno.memoryUsage().rss > RSS_KEPT_BYTES ? 1 : 0);
    },
    close: () => reader.close(),
  };
}
