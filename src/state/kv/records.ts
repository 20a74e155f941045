import {
  decodeConfiguration,
  encodeConfiguration,
} from "../../raft/configuration.ts";
import type { ByteReader, ByteWriter } from "../../util/bytes.ts";
import { readFacts, writeFacts } from "../cluster_facts.ts";
import { readCacheName } from "./command.ts";
import { readSettings, writeSettings } from "./settings.ts";
import type { KvPosition, StoredCache } from "./store.ts";

/** Appends a cache's row. */
export function writeStoredCache(writer: ByteWriter, cache: StoredCache): void {
  writer.u53(cache.id).u53(cache.counterId).text(cache.name);
  writeSettings(writer, cache.settings);
  writer.u53(cache.entries).u53(cache.counters);
  writer.u53(cache.bytes).u53(cache.counterBytes);
  writer.u32(cache.hash).u32(cache.counterHash);
  writer.u53(cache.expired).u53(cache.evicted);
}

/**
 * Reads what {@linkcode writeStoredCache} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readStoredCache(reader: ByteReader): StoredCache {
  return {
    id: reader.u53(),
    counterId: reader.u53(),
    name: readCacheName(reader),
    settings: readSettings(reader),
    entries: reader.u53(),
    counters: reader.u53(),
    bytes: reader.u53(),
    counterBytes: reader.u53(),
    hash: reader.u32(),
    counterHash: reader.u32(),
    expired: reader.u53(),
    evicted: reader.u53(),
  };
}

/** Appends where a store stands. */
export function writeStoredPosition(
  writer: ByteWriter,
  position: KvPosition,
): void {
  const { applied, config, clockMs, timeMs, horizon } = position;
  writer.u53(applied.term).u53(applied.index);
  writer.bytes(encodeConfiguration(config));
  writer.u53(clockMs).u53(timeMs).u53(horizon);
  writeFacts(writer, position.facts);
  writer.u32(position.hash).u53(position.nextCache);
}

/**
 * Reads what {@linkcode writeStoredPosition} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readStoredPosition(reader: ByteReader): KvPosition {
  return {
    applied: { term: reader.u53(), index: reader.u53() },
    config: decodeConfiguration(reader.bytes()),
    clockMs: reader.u53(),
    timeMs: reader.u53(),
    horizon: reader.u53(),
    facts: readFacts(reader),
    hash: reader.u32(),
    nextCache: reader.u53(),
  };
}
