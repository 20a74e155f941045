import {
  CACHE_NAME,
  KEY_BYTES_MAX,
  TTL_MS_MAX,
  UNIT_BYTES_MAX,
  UNIT_PARTS_MAX,
  VALUE_BYTES_MAX,
} from "./limits.ts";
import { fitsInt64 } from "../../util/int64.ts";
import { invalidInput, tooLarge, typeNameOf } from "../wrong_input.ts";
import type {
  ByteKey,
  CacheSettings,
  KvCheck,
  KvOperation,
  KvUnit,
  KvValue,
  OperationOf,
  PutFields,
} from "./types.ts";
import { VALUE_KINDS } from "../stored_value.ts";

/** A name that was checked: most units in a row are of one cache. */
let validName: string | null = null;

/**
 * Checks a unit before it is proposed: shapes, types, limits. It trusts nothing, since units come
 * from the network too, but for one thing: that values of the kinds `text` and `json` are UTF-8.
 * @throws {HiqliteError} `invalid`, `too_large`.
 */
export function validateUnit(unit: KvUnit): void {
  const { creates, checks, operations } = unit;
  if (creates !== undefined) validateCreates(creates);
  if (!Array.isArray(checks) || !Array.isArray(operations)) {
    throw invalidInput("A batch needs lists of checks and operations");
  }
  const parts = checks.length + operations.length;
  if (parts === 0) throw invalidInput("The batch is empty");
  if (parts > UNIT_PARTS_MAX) {
    throw tooLarge(
      "The batch",
      `${parts} checks and operations`,
      UNIT_PARTS_MAX,
    );
  }
  const where = (at: number): string => parts === 1 ? "" : `Part ${at}: `;
  let bytes = 0;
  for (let i = 0; i < checks.length; i++) {
    bytes += validateCheck(checks[i], where(i));
  }
  for (let i = 0; i < operations.length; i++) {
    bytes += validateOperation(operations[i], where(checks.length + i));
    if (operations.length > 1) assertCombinable(operations[i]);
  }
  if (bytes > UNIT_BYTES_MAX) {
    throw tooLarge(
      "The batch",
      `${bytes} bytes of keys and values`,
      UNIT_BYTES_MAX,
    );
  }
}

/**
 * Checks the name of a cache.
 * @throws {HiqliteError} `invalid`.
 */
export function validateCacheName(name: string, where = ""): void {
  if (name === validName) return;
  // Names stand in paths, where dots alone mean other places.
  const isDots = name === "." || name === "..";
  if (typeof name !== "string" || isDots || !CACHE_NAME.test(name)) {
    throw invalidInput(
      `${where}Not a name of a cache: ${
        describe(name)
      }; it has 1 to 64 letters, digits, "_", "." or "-", and is not "." or ".."`,
    );
  }
  validName = name;
}

/**
 * Checks a key.
 * @throws {HiqliteError} `invalid`, `too_large`.
 */
export function validateKey(key: ByteKey, where = ""): void {
  if (typeof key !== "string") {
    throw invalidInput(`${where}Not a key: ${describe(key)}`);
  }
  if (key.length === 0) throw invalidInput(`${where}The key is empty`);
  if (key.length > KEY_BYTES_MAX) {
    throw tooLarge(`${where}The key`, `${key.length} bytes`, KEY_BYTES_MAX);
  }
  for (let i = 0; i < key.length; i++) {
    if (key.charCodeAt(i) > 0xff) {
      throw invalidInput(
        `${where}A character of the key is no byte: ${key[i]}`,
      );
    }
  }
}

/**
 * Checks what a cache is to be created with.
 * @throws {HiqliteError} `invalid`.
 */
export function validateSettings(settings: CacheSettings, where = ""): void {
  if (settings === null || typeof settings !== "object") {
    throw invalidInput(
      `${where}Not settings of a cache: ${describe(settings)}`,
    );
  }
  const { maxBytes, maxEntries, onFull, ttlMs } = settings;
  validateNumber(maxBytes, 0, Number.MAX_SAFE_INTEGER, `${where}maxBytes`);
  validateNumber(maxEntries, 0, Number.MAX_SAFE_INTEGER, `${where}maxEntries`);
  validateNumber(ttlMs, 0, TTL_MS_MAX, `${where}ttlMs`);
  if (onFull !== "reject" && onFull !== "evict") {
    throw invalidInput(
      `${where}onFull is "reject" or "evict", not ${describe(onFull)}`,
    );
  }
}

/** Checks what a unit creates before it begins. */
function validateCreates(creates: readonly OperationOf<"create">[]): void {
  if (!Array.isArray(creates)) {
    throw invalidInput("What a batch creates is a list");
  }
  if (creates.length > UNIT_PARTS_MAX) {
    throw tooLarge("The batch", `${creates.length} creates`, UNIT_PARTS_MAX);
  }
  for (const create of creates) {
    if (create?.kind !== "create") {
      throw invalidInput(`Not a cache to create: ${describe(create)}`);
    }
    validateCacheName(create.cache);
    validateSettings(create.settings);
  }
}

/** Checks a check; its bytes. */
function validateCheck(check: KvCheck, where: string): number {
  if (check === null || typeof check !== "object") {
    throw invalidInput(`${where}Not a check: ${describe(check)}`);
  }
  validateCacheName(check.cache, where);
  validateKey(check.key, where);
  if ("version" in check) {
    validateVersion(check.version, `${where}version`);
    return check.key.length;
  }
  return check.key.length + validateValue(check.value, where);
}

/** Checks an operation; the bytes of its key and value. */
function validateOperation(operation: KvOperation, where: string): number {
  if (operation === null || typeof operation !== "object") {
    throw invalidInput(`${where}Not an operation: ${describe(operation)}`);
  }
  validateCacheName(operation.cache, where);
  switch (operation.kind) {
    case "create":
      validateSettings(operation.settings, where);
      return 0;
    case "clear":
    case "clearCounters":
    case "drop":
      return 0;
  }
  validateKey(operation.key, where);
  const { length } = operation.key;
  switch (operation.kind) {
    case "put":
    case "replace":
      return length + validatePut(operation, where);
    case "delete":
      if (operation.ifVersion !== undefined) {
        validateVersion(operation.ifVersion, `${where}ifVersion`);
      }
      return length;
    case "touch":
      validateTtl(operation.ttlMs, `${where}ttlMs`);
      return length;
    case "add":
      validateInt64(operation.delta, `${where}delta`);
      validateInt64(operation.initial ?? 0n, `${where}initial`);
      validateTtl(operation.ttlMsIfNew ?? null, `${where}ttlMsIfNew`);
      return length;
    case "setCounter":
      validateInt64(operation.value, `${where}value`);
      return length;
    case "getRemove":
    case "deleteCounter":
      return length;
    default:
      throw invalidInput(
        `${where}Unknown kind of operation: ${
          describe((operation as { kind: unknown }).kind)
        }`,
      );
  }
}

/** Checks what a put says; the bytes of its value. */
function validatePut(fields: PutFields, where: string): number {
  const { ttlMs, keepTtl, ifVersion, ifPresent } = fields;
  if (ttlMs !== undefined) validateTtl(ttlMs, `${where}ttlMs`);
  validateBoolean(keepTtl, `${where}keepTtl`);
  validateBoolean(ifPresent, `${where}ifPresent`);
  if (keepTtl === true && ttlMs !== undefined) {
    throw invalidInput(`${where}ttlMs and keepTtl exclude each other`);
  }
  if (ifVersion !== undefined) {
    validateVersion(ifVersion, `${where}ifVersion`);
    if (ifVersion === 0 && ifPresent === true) {
      throw invalidInput(
        `${where}ifVersion 0 and ifPresent exclude each other`,
      );
    }
  }
  return validateValue(fields.value, where);
}

function validateValue(value: KvValue, where: string): number {
  if (value === null || typeof value !== "object") {
    throw invalidInput(`${where}Not a value: ${describe(value)}`);
  }
  if (!VALUE_KINDS.includes(value.kind)) {
    throw invalidInput(
      `${where}Unknown kind of value: ${describe(value.kind)}`,
    );
  }
  if (!(value.bytes instanceof Uint8Array)) {
    throw invalidInput(
      `${where}The value has no bytes: ${describe(value.bytes)}`,
    );
  }
  const { length } = value.bytes;
  if (length > VALUE_BYTES_MAX) {
    throw tooLarge(`${where}The value`, `${length} bytes`, VALUE_BYTES_MAX);
  }
  return length;
}

/** What changes a cache as a whole is not mixed with what changes keys of it. */
function assertCombinable({ kind }: KvOperation): void {
  switch (kind) {
    case "create":
    case "clear":
    case "clearCounters":
    case "drop":
      throw invalidInput(`"${kind}" must be the only operation of its batch`);
  }
}

function validateTtl(ttlMs: number | null, what: string): void {
  if (ttlMs !== null) validateNumber(ttlMs, 1, TTL_MS_MAX, what);
}

function validateVersion(version: number, what: string): void {
  validateNumber(version, 0, Number.MAX_SAFE_INTEGER, what);
}

function validateNumber(
  value: number,
  low: number,
  high: number,
  what: string,
): void {
  if (Number.isInteger(value) && value >= low && value <= high) return;
  throw invalidInput(
    `${what} is a whole number from ${low} to ${high}, not ${describe(value)}`,
  );
}

function validateBoolean(value: boolean | undefined, what: string): void {
  if (value === undefined || typeof value === "boolean") return;
  throw invalidInput(`${what} is true or false, not ${describe(value)}`);
}

function validateInt64(value: bigint, what: string): void {
  if (typeof value !== "bigint") {
    throw invalidInput(`${what} is a bigint, not ${describe(value)}`);
  }
  if (!fitsInt64(value)) {
    throw invalidInput(`${what} is outside of 64 bits: ${value}`);
  }
}

function describe(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.slice(0, 80));
  return typeof value === "number" ? String(value) : typeNameOf(value);
}
