import { unreachable } from "../../../util/assert.ts";
import { HiqliteError } from "../../../errors.ts";
import type { ByteReader, ByteWriter } from "../../../util/bytes.ts";
import { type Position, readPositionAt } from "./bookkeeping.ts";
import { dumpContents } from "./contents.ts";
import { stateFailure } from "../driver/result_codes.ts";
import { nodeDriver } from "../driver/node_driver.ts";
import { SchemaEpoch } from "../thread/schema_epoch.ts";
import { okAnswer, serveRequests } from "../thread/worker_handle.ts";
import { Writer } from "./writer.ts";
import {
  decodeBatch,
  writeApplied,
  type WriterOptions,
  WriterRequest,
} from "./writer_protocol.ts";

type Replacing =
  | typeof WriterRequest.inspect
  | typeof WriterRequest.release
  | typeof WriterRequest.open;

serveRequests<WriterOptions>((options) => {
  let writer: Writer | null = openWriter(options, options.path);
  const opened = okAnswer();
  writeApplied(opened, writer.applier.position, []);
  /** What made the database unusable; everything after it fails with it. */
  let poison: unknown = null;
  /** Without room the transaction is given up, and the same batch may come again. */
  const failed = (error: unknown): unknown => {
    const failure = stateFailure(error);
    const passes = failure instanceof HiqliteError &&
      failure.code === "disk_full";
    if (!passes) return poison = failure;
    try {
      writer?.applier.giveUp();
      return failure;
    } catch (error) {
      return poison = stateFailure(error);
    }
  };
  /** Another database takes the place of this one. */
  const replace = (kind: Replacing, request: ByteReader): ByteWriter => {
    const answer = okAnswer();
    switch (kind) {
      case WriterRequest.inspect:
        writeApplied(answer, positionAt(request.text()), []);
        break;
      case WriterRequest.release:
        writer?.close();
        writer = null;
        break;
      case WriterRequest.open:
        writer = openWriter(options, request.text());
        poison = null;
        writeApplied(answer, writer.applier.position, []);
    }
    return answer;
  };
  return {
    opened,
    answer(request) {
      const kind = request.u8();
      if (isReplacing(kind)) return replace(kind, request);
      if (poison !== null) throw poison;
      if (writer === null) throw new Error("The database is being replaced");
      const { applier } = writer;
      try {
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
        writer?.maintain();
      } catch (error) {
        failed(error);
      }
    },
    close: () => writer?.close(),
  };
});

function isReplacing(kind: number): kind is Replacing {
  return kind === WriterRequest.inspect || kind === WriterRequest.release ||
    kind === WriterRequest.open;
}

function positionAt(path: string): Position {
  try {
    return readPositionAt(nodeDriver, path);
  } catch (error) {
    throw stateFailure(error);
  }
}

function openWriter(options: WriterOptions, path: string): Writer {
  try {
    return new Writer(nodeDriver, path, {
      statementCacheCapacity: options.statementCacheCapacity,
      schemaEpoch: new SchemaEpoch(options.schemaEpoch),
    });
  } catch (error) {
    throw stateFailure(error);
  }
}
