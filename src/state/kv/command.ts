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
import { readOperation, writeOperation } from "./operation_codec.ts";
import { PlainPut } from "./plain_put.ts";
import { readSettings, writeSettings } from "./settings.ts";
import type { KvCheck, KvOperation, KvUnit, OperationOf } from "./types.ts";
import { readKvValue, writeKvValue } from "./values.ts";

const CHECK_VERSION = 0;
const CHECK_VALUE = 1;

/** Of most units. */
const NO_CHECKS: readonly KvCheck[] = Object.freeze([]);
/** What a unit creates its cache with. */
type Create = OperationOf<"create">;

/** The tables of an entry, each with the places of what is in it. */
interface Places {
  readonly names: Map<string, number>;
  /** A handle gives the same object with each of its units. */
  readonly creates: Map<Create, number>;
}

/** Applications use few caches, again and again. */
const knownNames = new TextMemo();
/** Reads what is plain, one after the other. */
const plain = new PlainPut();

/** Units that share one entry of the log, and the bytes that all caches together may have when they are applied. */
export interface KvPack {
  readonly maxBytes: number;
  readonly units: readonly KvUnit[];
}

/** A command that is known to be well-formed, and of which only that was read which is not plain. */
export interface ScannedPack extends KvTables {
  readonly maxBytes: number;
  readonly body: Uint8Array;
  /** Where a {@linkcode PlainPut} begins, or another unit. */
  readonly units: readonly (KvUnit | number)[];
  /** Of all units. */
  readonly operations: number;
}

/** What units name by its place. */
interface KvTables {
  readonly names: readonly string[];
  readonly creates: readonly Create[];
}

/**
 * Appends units that share one entry of the log: `maxBytes`, the tables of the caches' names and of what
 * caches are created with, then the units, which name both by their place there. `maxBytes` is what all caches together may have: it
 * travels with each entry, so that members which are configured differently decide equally.
 * At most `PACK_OPERATIONS_MAX` operations go into one entry.
 */
export function writeKvCommand(
  writer: ByteWriter,
  units: readonly KvUnit[],
  maxBytes: number = CACHES_BYTES_MAX,
): void {
  const places: Places = { names: new Map(), creates: new Map() };
  const { names, creates } = places;
  let operations = 0;
  for (const unit of units) {
    operations += unit.operations.length;
    for (const create of unit.creates ?? []) {
      place(names, create.cache);
      place(creates, create);
    }
    for (const { cache } of unit.checks) place(names, cache);
    for (const { cache } of unit.operations) place(names, cache);
  }
  assert(operations <= PACK_OPERATIONS_MAX, "too many operations for an entry");
  writer.natural(maxBytes);
  writer.natural(names.size);
  for (const name of names.keys()) writer.text(name);
  writer.natural(creates.size);
  for (const { cache, settings } of creates.keys()) {
    writer.natural(names.get(cache)!);
    writeSettings(writer, settings);
  }
  writer.natural(units.length);
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
  const pack = scanKvPack(body);
  const units = pack.units.map((unit) =>
    typeof unit === "number" ? plainUnit(pack, unit) : unit
  );
  return { maxBytes: pack.maxBytes, units };
}

/**
 * The same, but for plain puts, which are only found.
 * @throws {MalformedBytesError} for anything else.
 */
export function scanKvPack(body: Uint8Array): ScannedPack {
  const reader = new ByteReader(body);
  const maxBytes = reader.natural();
  const names: string[] = [];
  for (let left = countOf(reader); left > 0; left--) {
    names.push(readCacheName(reader));
  }
  const creates: Create[] = [];
  for (let left = countOf(reader); left > 0; left--) {
    const cache = cacheIn(names, reader.natural());
    creates.push({ kind: "create", cache, settings: readSettings(reader) });
  }
  const units: (KvUnit | number)[] = [];
  let operations = 0;
  let left = countOf(reader);
  let at = reader.offset;
  for (; left > 0; left--) {
    if (isPlain(body, at, names, creates)) {
      units.push(at);
      at = plain.end;
      operations++;
      continue;
    }
    const unitReader = new ByteReader(body, at);
    const unit = readUnit(unitReader, names, creates);
    at = unitReader.offset;
    operations += unit.operations.length;
    units.push(unit);
  }
  if (operations > PACK_OPERATIONS_MAX) {
    throw new MalformedBytesError(`${operations} operations in one entry`);
  }
  new ByteReader(body, at).end();
  return { maxBytes, body, names, creates, units, operations };
}

/** What is asked of the caches: all but `maxBytes`, which follows from the settings of the member that wrote it. */
export function askedIn(body: Uint8Array): Uint8Array {
  let at = 0;
  while (at < body.length && body[at]! >= 0x80) at++;
  return body.subarray(at + 1);
}

/** A plain put of a command as any other unit. */
export function plainUnit(
  { body, names, creates }: ScannedPack,
  at: number,
): KvUnit {
  return readUnit(new ByteReader(body, at), names, creates);
}

/** Whether a plain put begins there, which `plain` has read then. */
function isPlain(
  body: Uint8Array,
  at: number,
  names: readonly string[],
  creates: readonly Create[],
): boolean {
  return plain.read(body, at) && plain.cache < names.length &&
    plain.create < creates.length;
}

/**
 * Reads the name of a cache.
 * @throws {MalformedBytesError} for what is none.
 */
export function readCacheName(reader: ByteReader): string {
  const name = reader.text(knownNames);
  if (!CACHE_NAME.test(name)) {
    throw new MalformedBytesError(`not a name of a cache: ${name}`);
  }
  return name;
}

function place<T>(places: Map<T, number>, one: T): void {
  if (!places.has(one)) places.set(one, places.size);
}

/** Whatever is counted takes a byte at least. */
function countOf(reader: ByteReader): number {
  return reader.natural(reader.remaining);
}

function writeUnit(
  writer: ByteWriter,
  { creates = [], checks, operations }: KvUnit,
  places: Places,
): void {
  writer.natural(creates.length);
  for (const create of creates) {
    writer.natural(places.creates.get(create)!);
  }
  writer.natural(checks.length);
  for (const check of checks) writeCheck(writer, check, places.names);
  writer.natural(operations.length);
  for (const operation of operations) {
    writeOperation(writer, operation, places.names.get(operation.cache)!);
  }
}

function readUnit(
  reader: ByteReader,
  table: readonly string[],
  known: readonly Create[],
): KvUnit {
  const creates = readCreates(reader, known);
  const checkCount = reader.natural(UNIT_PARTS_MAX);
  let checks = NO_CHECKS;
  if (checkCount > 0) {
    const read: KvCheck[] = [];
    for (let i = 0; i < checkCount; i++) read.push(readCheck(reader, table));
    checks = read;
  }
  const count = reader.natural(UNIT_PARTS_MAX - checkCount);
  const operations: KvOperation[] = [];
  for (let i = 0; i < count; i++) operations.push(readOperation(reader, table));
  return creates === null
    ? { checks, operations }
    : { creates, checks, operations };
}

/** What a unit creates; null for nothing. */
function readCreates(
  reader: ByteReader,
  known: readonly Create[],
): Create[] | null {
  const count = reader.natural(UNIT_PARTS_MAX);
  if (count === 0) return null;
  const creates: Create[] = [];
  for (let i = 0; i < count; i++) {
    const place = reader.natural();
    const create = known[place];
    if (create === undefined) {
      throw new MalformedBytesError(`nothing to create at place ${place}`);
    }
    creates.push(create);
  }
  return creates;
}

function writeCheck(
  writer: ByteWriter,
  check: KvCheck,
  places: ReadonlyMap<string, number>,
): void {
  writer.u8("version" in check ? CHECK_VERSION : CHECK_VALUE);
  writer.natural(places.get(check.cache)!);
  writeKey(writer, check.key);
  if ("version" in check) writer.natural(check.version);
  else writeKvValue(writer, check.value);
}

function readCheck(reader: ByteReader, table: readonly string[]): KvCheck {
  const kind = reader.u8();
  const cache = cacheIn(table, reader.natural());
  const key = readKey(reader);
  switch (kind) {
    case CHECK_VERSION:
      return { cache, key, version: reader.natural() };
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
