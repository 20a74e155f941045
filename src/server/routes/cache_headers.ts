import type { Context } from "@hono/hono";
import { assertJson, parseVersion, versionText } from "../../api/cache_json.ts";
import { HiqliteError } from "../../errors.ts";
import type { CachePosition } from "../../node/port.ts";
import type { KvValue } from "../../state/kv/types.ts";
import { RequestError } from "../request_error.ts";

const TYPES: readonly (readonly [KvValue["kind"], string])[] = [
  ["bytes", "application/octet-stream"],
  ["text", "text/plain"],
  ["json", "application/json"],
];
/** A type, and UTF-8 if it names a charset. */
const TYPE =
  /^([\w.+-]+\/[\w.+-]+)[\t ]*(?:;[\t ]*charset=(?:utf-?8|"utf-?8")[\t ]*)?;?$/i;

/** The kind of value that a body is. @throws {RequestError} 415 */
export function kindOfBody(context: Context): KvValue["kind"] {
  const given = context.req.header("content-type") ??
    "application/octet-stream";
  const type = TYPE.exec(given)?.[1]?.toLowerCase();
  const found = TYPES.find(([, name]) => name === type);
  if (found !== undefined) return found[0];
  throw new RequestError(
    415,
    `The Content-Type is ${given.slice(0, 80)}; a value is ${
      TYPES.map(([, name]) => name).join(", ")
    }, in UTF-8 where it is text`,
  );
}

/** The Content-Type of a value. */
export function typeOf(kind: KvValue["kind"]): string {
  const [, type] = TYPES.find(([name]) => name === kind)!;
  return kind === "text" ? `${type}; charset=UTF-8` : type;
}

/** A value of a body. @throws {HiqliteError} `invalid` for bytes that are not what their type says. */
export function valueOfBody(kind: KvValue["kind"], bytes: Uint8Array): KvValue {
  if (kind === "bytes") return { kind, bytes };
  let text: string;
  try {
    // With its byte order mark, if there is one: readers find it, and in JSON none may be.
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
      .decode(bytes);
  } catch (cause) {
    throw new HiqliteError("invalid", "The body is not UTF-8", { cause });
  }
  if (kind === "json") assertJson(text, "body");
  return { kind, bytes };
}

/** What a request's conditions ask for. */
export interface EntryConditions {
  /** 0: there must be none. */
  readonly ifVersion?: number;
  readonly ifPresent?: boolean;
  /** The life of the caches that the version is of. */
  readonly epoch?: number;
}

/** The conditions of a request's headers. @throws {HiqliteError} `invalid`; `precondition_failed` for an ETag that nothing can have. */
export function conditionsOf(context: Context): EntryConditions {
  const match = context.req.header("if-match");
  const none = context.req.header("if-none-match");
  if (none !== undefined) {
    if (none.trim() === "*" && match === undefined) return { ifVersion: 0 };
    throw new HiqliteError(
      "invalid",
      "If-None-Match: expected *, and no If-Match beside it",
    );
  }
  if (match === undefined) return {};
  if (match.trim() === "*") return { ifPresent: true };
  const [, text] = /^"([^"]{1,40})"$/.exec(match.trim()) ?? [];
  if (text === undefined) {
    throw new HiqliteError(
      "invalid",
      `If-Match: expected * or one ETag such as "1-65536", got ${
        match.slice(0, 60)
      }`,
    );
  }
  const { epoch, version } = parseVersion(text, "If-Match");
  // As a version 0 means that there is no entry.
  if (version === 0) {
    throw conditionFailed(`no entry ever has the ETag "${text}"`);
  }
  return { ifVersion: version, epoch };
}

/** The conditions of a request that removes an entry. @throws {HiqliteError} as {@linkcode conditionsOf}. */
export function conditionsOfRemoval(context: Context): EntryConditions {
  const conditions = conditionsOf(context);
  if (conditions.ifVersion !== 0) return conditions;
  throw new HiqliteError(
    "invalid",
    "If-None-Match: not where an entry is removed",
  );
}

/** The error of a condition that does not hold. */
export function conditionFailed(problem: string): HiqliteError {
  return new HiqliteError(
    "precondition_failed",
    `The condition does not hold: ${problem}`,
  );
}

/** Says which version an entry has. */
export function setVersion(
  context: Context,
  epoch: number,
  version: number,
): void {
  context.header("ETag", `"${versionText(epoch, version)}"`);
}

/** Says where in the caches' log an answer stands. */
export function setPosition(
  context: Context,
  { epoch, index }: CachePosition,
): void {
  context.header("X-Epoch", `${epoch}`);
  context.header("X-Index", `${index}`);
}
