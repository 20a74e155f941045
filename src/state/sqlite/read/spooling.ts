import type { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { assert } from "../../../util/assert.ts";
import { okAnswer } from "../thread/answers.ts";
import { ReaderRequest } from "./query_codec.ts";
import type { Reader } from "./reader.ts";
import type { Spool } from "./spool.ts";
import { readSpoolRequest, writePage, writeSpooled } from "./spool_codec.ts";

/** The rows that a reader keeps for one stream, and their pages, in a Worker or a process. */
export class Spooling {
  #spool: Spool | null = null;

  /** Answers a request for rows. @throws as {@linkcode Reader.spool} and {@linkcode Spool.page}. */
  answer(kind: number, request: ByteReader, reader: Reader): ByteWriter {
    const answer = okAnswer(4096);
    if (kind === ReaderRequest.spool) {
      const { statement: { sql, params }, bytesMax } = readSpoolRequest(
        request,
      );
      const { spool, index } = reader.spool(sql, params, bytesMax);
      this.#spool = spool;
      writeSpooled(answer, spool, index);
      return answer;
    }
    assert(this.#spool !== null, "a page of no rows");
    writePage(answer, this.#spool.page());
    return answer;
  }
}
