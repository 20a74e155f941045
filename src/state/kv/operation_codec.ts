import {
  type ByteReader,
  type ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import { readKey, writeKey } from "./keys.ts";
import { TTL_MS_MAX } from "./limits.ts";
import { readInteger, writeInteger } from "./numbers.ts";
import { readSettings, writeSettings } from "./settings.ts";
import type { KvOperation, OperationOf, PutFields } from "./types.ts";
import { readKvValue, writeKvValue } from "./values.ts";

/** By their number, which is never used again for another one. */
const KINDS = [
  "put",
  "replace",
  "delete",
  "getRemove",
  "touch",
  "add",
  "setCounter",
  "deleteCounter",
  "create",
  "clear",
  "clearCounters",
  "drop",
] as const satisfies readonly KvOperation["kind"][];

/** The number of a put. */
export const PUT_CODE: number = KINDS.indexOf("put");

/** What a put says beside key and value: bits of one byte. */
export const PutFlag = {
  ttl: 1,
  forever: 2,
  keepTtl: 4,
  ifVersion: 8,
  ifPresent: 16,
  all: 31,
} as const;
/** The same of an add. */
const Add = { initial: 1, ttl: 2, all: 3 } as const;

/** Appends an operation on the cache at `place` in the table. */
export function writeOperation(
  writer: ByteWriter,
  operation: KvOperation,
  place: number,
): void {
  writer.u8(KINDS.indexOf(operation.kind));
  writer.natural(place);
  if ("key" in operation) writeKey(writer, operation.key);
  switch (operation.kind) {
    case "put":
    case "replace":
      return writePut(writer, operation);
    case "delete":
      return writeOptional(writer, operation.ifVersion);
    case "touch":
      writer.natural(operation.ttlMs ?? 0);
      return;
    case "add":
      return writeAdd(writer, operation);
    case "setCounter":
      return writeInteger(writer, operation.value);
    case "create":
      return writeSettings(writer, operation.settings);
  }
}

/**
 * Reads what {@linkcode writeOperation} wrote.
 * @throws {MalformedBytesError} for anything else.
 */
export function readOperation(
  reader: ByteReader,
  table: readonly string[],
): KvOperation {
  const code = reader.u8();
  const kind = KINDS[code];
  const place = reader.natural();
  const cache = table[place];
  if (kind === undefined || cache === undefined) {
    throw new MalformedBytesError(
      `unknown kind of operation ${code} or cache ${place}`,
    );
  }
  switch (kind) {
    case "put":
    case "replace":
      return readPut(reader, kind, cache);
    case "create":
      return { kind, cache, settings: readSettings(reader) };
    case "clear":
    case "clearCounters":
    case "drop":
      return { kind, cache };
    default:
      return readKeyed(reader, kind, cache);
  }
}

function readKeyed(
  reader: ByteReader,
  kind:
    | "delete"
    | "getRemove"
    | "touch"
    | "add"
    | "setCounter"
    | "deleteCounter",
  cache: string,
): KvOperation {
  const key = readKey(reader);
  switch (kind) {
    case "delete": {
      const ifVersion = readOptional(reader);
      return ifVersion === undefined
        ? { kind, cache, key }
        : { kind, cache, key, ifVersion };
    }
    case "touch": {
      const ttlMs = reader.natural(TTL_MS_MAX);
      return { kind, cache, key, ttlMs: ttlMs === 0 ? null : ttlMs };
    }
    case "add":
      return readAdd(reader, cache, key);
    case "setCounter":
      return { kind, cache, key, value: readInteger(reader) };
    case "getRemove":
    case "deleteCounter":
      return { kind, cache, key };
  }
}

function writePut(writer: ByteWriter, fields: PutFields): void {
  const { ttlMs, keepTtl, ifVersion, ifPresent } = fields;
  let flags = 0;
  if (ttlMs === null) flags |= PutFlag.forever;
  else if (ttlMs !== undefined) flags |= PutFlag.ttl;
  if (keepTtl === true) flags |= PutFlag.keepTtl;
  if (ifVersion !== undefined) flags |= PutFlag.ifVersion;
  if (ifPresent === true) flags |= PutFlag.ifPresent;
  writer.u8(flags);
  if ((flags & PutFlag.ttl) !== 0) writer.natural(ttlMs!);
  if ((flags & PutFlag.ifVersion) !== 0) writer.natural(ifVersion!);
  writeKvValue(writer, fields.value);
}

function readPut(
  reader: ByteReader,
  kind: "put" | "replace",
  cache: string,
): KvOperation {
  const key = readKey(reader);
  const flags = readFlags(reader, PutFlag.all);
  if (flags === 0) return { kind, cache, key, value: readKvValue(reader) };
  if (flags === PutFlag.ttl) {
    const ttlMs = readTtl(reader);
    return { kind, cache, key, value: readKvValue(reader), ttlMs };
  }
  const ttl = (flags & PutFlag.ttl) !== 0
    ? { ttlMs: readTtl(reader) }
    : (flags & PutFlag.forever) !== 0
    ? { ttlMs: null }
    : undefined;
  const condition = (flags & PutFlag.ifVersion) !== 0
    ? { ifVersion: reader.natural() }
    : undefined;
  return {
    kind,
    cache,
    key,
    value: readKvValue(reader),
    ...ttl,
    ...condition,
    ...((flags & PutFlag.keepTtl) !== 0 ? { keepTtl: true } : undefined),
    ...((flags & PutFlag.ifPresent) !== 0 ? { ifPresent: true } : undefined),
  };
}

function writeAdd(
  writer: ByteWriter,
  { delta, initial = 0n, ttlMsIfNew = null }: OperationOf<"add">,
): void {
  writer.u8(
    (initial === 0n ? 0 : Add.initial) | (ttlMsIfNew === null ? 0 : Add.ttl),
  );
  writeInteger(writer, delta);
  if (initial !== 0n) writeInteger(writer, initial);
  if (ttlMsIfNew !== null) writer.natural(ttlMsIfNew);
}

function readAdd(
  reader: ByteReader,
  cache: string,
  key: string,
): OperationOf<"add"> {
  const flags = readFlags(reader, Add.all);
  const delta = readInteger(reader);
  return {
    kind: "add",
    cache,
    key,
    delta,
    ...((flags & Add.initial) !== 0
      ? { initial: readInteger(reader) }
      : undefined),
    ...((flags & Add.ttl) !== 0 ? { ttlMsIfNew: readTtl(reader) } : undefined),
  };
}

function readFlags(reader: ByteReader, all: number): number {
  const flags = reader.u8();
  if ((flags & ~all) !== 0) {
    throw new MalformedBytesError(`unknown flags ${flags}`);
  }
  return flags;
}

function readTtl(reader: ByteReader): number {
  const ttlMs = reader.natural(TTL_MS_MAX);
  if (ttlMs === 0) throw new MalformedBytesError("a time to live of 0 ms");
  return ttlMs;
}

/** A number that may be left out. */
function writeOptional(writer: ByteWriter, value: number | undefined): void {
  writer.u8(value === undefined ? 0 : 1);
  if (value !== undefined) writer.natural(value);
}

function readOptional(reader: ByteReader): number | undefined {
  return readFlags(reader, 1) === 0 ? undefined : reader.natural();
}
