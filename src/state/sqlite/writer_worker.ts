import { unreachable } from "../../util/assert.ts";
import { HiqliteError } from "../../errors.ts";
import { dumpContents } from "./contents.ts";
import { stateFailure } from "./failure.ts";
import { nodeDriver } from "./node_driver.ts";
import { SchemaEpoch } from "./schema_epoch.ts";
import { okAnswer, serveRequests } from "./worker_handle.ts";
import { Writer } from "./writer.ts";
import {
  decodeBatch,
  writeApplied,
  type WriterOptions,
  WriterRequest,
} from "./writer_protocol.ts";

serveRequests<WriterOptions>((options) => {
  const writer = openWriter(options);
  const { applier } = writer;
  const opened = okAnswer();
  writeApplied(opened, applier.position, []);
  /** What made the database unusable; everything after it fails with it. */
  let poison: unknown = null;
  /** Without room the transaction is given up, and the same batch may come again. */
  const failed = (error: unknown): unknown => {
    const failure = stateFailure(error);
    const passes = failure instanceof HiqliteError &&
      failure.code === "disk_full";
    if (!passes) return poison = failure;
    try {
      applier.giveUp();
      return failure;
    } catch (error) {
      return poison = stateFailure(error);
    }
  };
  return {
    opened,
    answer(request) {
      if (poison !== null) throw poison;
      try {
        const kind = request.u8();
        switch (kind) {
          case WriterRequest.apply: {
            const { answers, entries } = decodeBatch(request);
            const results = applier.apply(entries);
            const answer = okAnswer(answers ? 64 * results.length : 64);
            writeApplied(answer, applier.position, applier.takeHashes());
            answer.u32(answers ? results.length : 0);
            if (answers) { for (const result of results) answer.bytes(result); }
            return answer;
          }
          case WriterRequest.checkpoint:
            return okAnswer().u53(writer.checkpoint());
          case WriterRequest.dump:
            return okAnswer().text(dumpContents(writer.connection))
              .text(applier.dumpSessions());
          default:
            return unreachable(kind as never);
        }
      } catch (error) {
        throw failed(error);
      }
    },
    idle() {
      if (poison !== null) return;
      try {
        writer.maintain();
      } catch (error) {
        failed(error);
      }
    },
    close: () => writer.close(),
  };
});

function openWriter(options: WriterOptions): Writer {
  try {
    return new Writer(nodeDriver, options.path, {
      statementCacheCapacity: options.statementCacheCapacity,
      schemaEpoch: new SchemaEpoch(options.schemaEpoch),
    });
  } catch (error) {
    throw stateFailure(error);
  }
}
