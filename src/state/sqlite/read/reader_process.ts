import { readSync, writeSync } from "node:fs";
import { ByteReader } from "../../../util/bytes.ts";
import { writeRows } from "../../sql/result.ts";
import { openDriver } from "../driver/open_driver.ts";
import { readOpening, readQuery } from "./query_codec.ts";
import { Reader } from "./reader.ts";
import { errorAnswer, okAnswer } from "../thread/worker_handle.ts";

const STDIN = 0;
const STDOUT = 1;

/**
 * Serves guarded queries in a process of its own until its standard input ends: first
 * driver and path of the database, then queries, each a frame behind its length (32 bits, little-endian).
 */
export function runReaderProcess(): void {
  const opening = readFrame();
  if (opening === null) return;
  const { driver, path } = readOpening(new ByteReader(opening));
  const reader = new Reader(openDriver(driver), path, {
    statementCacheCapacity: 0,
    schemaEpoch: null,
  });
  writeFrame(okAnswer().finish());
  for (;;) {
    const request = readFrame();
    if (request === null) break;
    writeFrame(answer(reader, request));
  }
  reader.close();
  // What the runtime does at its own end was seen to wait for ever.
  Deno.exit(0);
}

function answer(reader: Reader, request: Uint8Array): Uint8Array {
  try {
    const { statement, limits } = readQuery(new ByteReader(request));
    const { columns, rows, index } = reader.query(
      statement.sql,
      statement.params,
      limits,
    );
    const writer = okAnswer(4096).u53(index!);
    writeRows(writer, columns, rows);
    return writer.finish();
  } catch (error) {
    return errorAnswer(error);
  }
}

function readFrame(): Uint8Array | null {
  const header = readExactly(4);
  if (header === null) return null;
  const length = new DataView(header.buffer).getUint32(0, true);
  return readExactly(length);
}

function readExactly(length: number): Uint8Array<ArrayBuffer> | null {
  const bytes = new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(STDIN, bytes, filled, length - filled, null);
    if (count === 0) return null;
    filled += count;
  }
  return bytes;
}

function writeFrame(bytes: Uint8Array): void {
  const header = new Uint8Array(4);
  new DataView(header.buffer).setUint32(0, bytes.length, true);
  writeFully(header);
  writeFully(bytes);
}

function writeFully(bytes: Uint8Array): void {
  let written = 0;
  while (written < bytes.length) {
    written += writeSync(STDOUT, bytes, written, bytes.length - written);
  }
}

if (import.meta.main && !Deno.build.standalone) runReaderProcess();
