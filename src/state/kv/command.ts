import { assert } from "../../util/assert.ts";
import {
  ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { TextMemo } from "../../util/text_memo.ts";
import { readKey, writeKey } from "./keys.ts";
import {
  CACHE_NAME,
  CACHES_BYTES_MAX,
  PACK_OPERATIONS_MAX,
  UNIT_PARTS_MAX,
} from "./limits.ts";
import { readNatural, writeNatural } from "./numbers.ts";
import { readOperation, writeOperation } from "./operation_codec.ts";
import type { KvCheck, KvOperation, KvUnit } from "./types.ts";
import { readKvValue, writeKvValue } from "./values.ts";

const CHECK_VERSION = 0;
const CHECK_VALUE = 1;

/** Of most units. */
const NO_CHECKS: readonly KvCheck[] = Object.freeze([]);
/** Applications use few caches, again and again. */
const names = new TextMemo();

/** Units that share one entry of the log, and the bytes that all caches together may have when they are applied. */
export interface KvPack {
  readonly maxBytes: number;
  readonly units: readonly KvUnit[];
}

/**
 * Appends units that share one entry of the log: `maxBytes`, the table of the caches' names, then the
 * units, which name caches by their place in it. `maxBytes` is what all caches together may have: it
 * travels with each entry, so that members which are configured differently decide equally.
 * At most `PACK_OPERATIONS_MAX` operations go into one entry.
 */
export function writeKvCommand(
  writer: ByteWriter,
  units: readonly KvUnit[],
  maxBytes: number = CACHES_BYTES_MAX,
): void {
  const places = new Map<string, number>();
  let operations = 0;
  for (const unit of units) {
    operations += unit.operations.length;
    for (const { cache } of unit.checks) place(places, cache);
    for (const { cache } of unit.operations) place(places, cache);
  }
  assert(operations <= PACK_OPERATIONS_MAX, "too many operations for an entry");
  writeNatural(writer, maxBytes);
  writeNatural(writer, places.size);
  for (const name of places.keys()) writer.text(name);
  writeNatural(writer, units.length);
  for (const unit of units) writeUnit(writer, unit, places);
}

/**
 * The units that {@linkcode writeKvCommand} wrote; values are views into `body`.
 * @throws {MalformedBytesError} for anything else.
 */
export function readKvCommand(body: Uint8Array): KvUnit[] {
  return readKvPack(body).units as KvUnit[];
}

/**
 * All that {@linkcode writeKvCommand} wrote; values are views into `body`.
 * @throws {MalformedBytesError} for anything else.
 */
export function readKvPack(body: Uint8Array): KvPack {
  const reader = new ByteReader(body);
  const maxBytes = readNatural(reader);
  const table: string[] = [];
  for (let left = countOf(reader); left > 0; left--) {
    table.push(readCacheName(reader));
  }
  const units: KvUnit[] = [];
  let operations = 0;
  for (let left = countOf(reader); left > 0; left--) {
    const unit = readUnit(reader, table);
    operations += unit.operations.length;
    units.push(unit);
  }
  if (operations > PACK_OPERATIONS_MAX) {
    throw new MalformedBytesError(`${operations} operations in one entry`);
  }
  reader.end();
  return { maxBytes, units };
}

/**
 * Reads the name of a cache.
 * @throws {MalformedBytesError} for what is none.
 */
export function readCacheName(reader: ByteReader): string {
  const name = reader.text(names);
  if (!CACHE_NAME.test(name)) {
    throw new MalformedBytesError(`not a name of a cache: ${name}`);
  }
  return name;
}

function place(places: Map<string, number>, name: string): void {
  if (!places.has(name)) places.set(name, places.size);
}

/** Whatever is counted takes a byte at least. */
function countOf(reader: ByteReader): number {
  return readNatural(reader, reader.remaining);
}

function writeUnit(
  writer: ByteWriter,
  { checks, operations }: KvUnit,
  places: ReadonlyMap<string, number>,
): void {
  writeNatural(writer, checks.length);
  for (const check of checks) writeCheck(writer, check, places);
  writeNatural(writer, operations.length);
  for (const operation of operations) {
    writeOperation(writer, operation, places.get(operation.cache)!);
  }
}

function readUnit(reader: ByteReader, table: readonly string[]): KvUnit {
  const checkCount = readNatural(reader, UNIT_PARTS_MAX);
  let checks = NO_CHECKS;
  if (checkCount > 0) {
    const read: KvCheck[] = [];
    for (let i = 0; i < checkCount; i++) read.push(readCheck(reader, table));
    checks = read;
  }
  const count = readNatural(reader, UNIT_PARTS_MAX - checkCount);
  const operations: KvOperation[] = [];
  for (let i = 0; i < count; i++) operations.push(readOperation(reader, table));
  return { checks, operations };
}

function writeCheck(
  writer: ByteWriter,
  check: KvCheck,
  places: ReadonlyMap<string, number>,
): void {
  writer.u8("version" in check ? CHECK_VERSION : CHECK_VALUE);
  writeNatural(writer, places.get(check.cache)!);
  writeKey(writer, check.key);
  if ("version" in check) writeNatural(writer, check.version);
  else writeKvValue(writer, check.value);
}

function readCheck(reader: ByteReader, table: readonly string[]): KvCheck {
  const kind = reader.u8();
  const cache = cacheIn(table, readNatural(reader));
  const key = readKey(reader);
  switch (kind) {
    case CHECK_VERSION:
      return { cache, key, version: readNatural(reader) };
    case CHECK_VALUE:
      return { cache, key, value: readKvValue(reader) };
    default:
      throw new MalformedBytesError(`unknown kind of check ${kind}`);
  }
}

function cacheIn(table: readonly string[], place: number): string {
  const name = table[place];
  if (name === undefined) {
    throw new MalformedBytesError(`no cache at place ${place}`);
  }
  return name;
}
