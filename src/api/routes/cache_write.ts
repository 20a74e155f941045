import { type ErrorCode, HTTP_STATUS } from "../../errors.ts";
import type {
  CachePosition,
  CacheWriteAnswer,
  CacheWriteRequest,
} from "../../node/port.ts";
import type { KvAnswer, KvUnit } from "../../state/kv/types.ts";
import { POSITION_PROPERTIES, versionText } from "../cache_json.ts";
import {
  type JsonKvResult,
  kvResultFromJson,
  kvResultToJson,
  UNIT_PROPERTIES,
  unitToJson,
} from "../cache_unit.ts";
import { unitFromFields } from "../cache_operation.ts";
import { errorOf, type JsonError } from "../error_body.ts";
import { fieldsOf, integerField, timeoutField } from "../fields.ts";
import { arrayOf, INTEGER, object, reference } from "../json_schema.ts";
import type { MemberRoute, ReplyCodec } from "../route.ts";

/** An error with what a condition found. */
interface JsonConflict extends JsonError {
  /** Its place: checks first, then operations. */
  readonly at: number;
  /** The version of the entry there; null: there is none. */
  readonly version: number | null;
}

type JsonWriteAnswer = CachePosition & {
  readonly results?: readonly JsonKvResult[];
  readonly error?: JsonError | JsonConflict;
};

/** The reply to a change: its results, or the error that says why nothing was done. */
export const CACHE_WRITE_REPLY: ReplyCodec<CacheWriteAnswer> = {
  format: "json",
  statuses: {
    200: "Done.",
    412: "A check or condition does not hold; nothing was done.",
  },
  schema: object({
    results: arrayOf(reference("CacheResult")),
    ...POSITION_PROPERTIES,
  }),
  encode: ({ answer, epoch, index }) =>
    ({
      ...answerToJson(answer, epoch),
      epoch,
      index,
    }) satisfies JsonWriteAnswer,
  status: ({ answer }) => {
    const code = codeOf(answer);
    return code === undefined ? 200 : HTTP_STATUS[code];
  },
  // An error that came before the caches were asked has no place in their log.
  accepts: (_, body) =>
    "epoch" in body && "index" in body && errorOf(body) !== undefined,
  decode: (body) => {
    const { epoch, index, ...rest } = body as JsonWriteAnswer;
    return { epoch, index, answer: answerFromJson(rest) };
  },
};

/** `POST /api/v1/caches/atomic` */
export const CACHE_ATOMIC: MemberRoute<CacheWriteRequest, CacheWriteAnswer> = {
  method: "POST",
  path: "/api/v1/caches/atomic",
  summary:
    "Check and change entries and counters of several caches, all or nothing. With `epoch`, versions count only in that life of the caches.",
  scope: "write",
  caches: ({ unit }) => cachesOf(unit),
  repeat: "keyed",
  request: {
    schema: object({
      ...UNIT_PROPERTIES,
      epoch: INTEGER,
      timeout_ms: INTEGER,
    }, ["ops"]),
    encode: ({ unit, epoch }, timeoutMs) => ({
      ...unitToJson(unit),
      epoch,
      timeout_ms: timeoutMs,
    }),
    decode: (json) => writeFromJson(json),
  },
  reply: CACHE_WRITE_REPLY,
  ask: (member, request) => member.caches.apply(request),
};

/** Every cache that a change looks at or changes. */
export function cachesOf(
  { creates = [], checks, operations }: KvUnit,
): readonly string[] {
  return [...creates, ...checks, ...operations].map(({ cache }) => cache);
}

/** A change from JSON; what names no cache means `cache`. @throws {HiqliteError} `invalid` */
export function writeFromJson(
  json: unknown,
  cache?: string,
): CacheWriteRequest {
  const fields = fieldsOf(json, [
    "creates",
    "checks",
    "ops",
    "epoch",
    "timeout_ms",
  ]);
  const epoch = integerField(fields, "epoch", 0, Number.MAX_SAFE_INTEGER);
  return {
    unit: unitFromFields(fields, cache),
    ...(epoch === undefined ? {} : { epoch }),
    ...timeoutField(fields),
  };
}

function answerToJson(
  answer: KvAnswer,
  epoch: number,
): Omit<JsonWriteAnswer, keyof CachePosition> {
  switch (answer.kind) {
    case "done":
      return { results: answer.results.map(kvResultToJson) };
    case "conflict": {
      const { at, version } = answer;
      const error: JsonConflict = {
        code: "precondition_failed",
        message: conflictMessage(answer, epoch),
        at,
        version: version === 0 ? null : version,
      };
      return { error };
    }
    case "refused":
      return { error: { code: answer.code, message: answer.message } };
  }
}

/** What a condition that does not hold says to people; versions it names as they are given, with the epoch that they are of. */
export function conflictMessage({ at, version }: {
  readonly at: number;
  readonly version: number;
}, epoch: number): string {
  const found = version === 0
    ? "there is no such entry"
    : `the entry has version ${versionText(epoch, version)}`;
  return `Condition ${at} does not hold: ${found}. Nothing was done`;
}

function answerFromJson(
  { results, error }: Omit<JsonWriteAnswer, keyof CachePosition>,
): KvAnswer {
  if (error === undefined) {
    return { kind: "done", results: results!.map(kvResultFromJson) };
  }
  if ("at" in error) {
    return { kind: "conflict", at: error.at, version: error.version ?? 0 };
  }
  const code = error.code as Extract<KvAnswer, { kind: "refused" }>["code"];
  return { kind: "refused", code, message: error.message };
}

/** The code of an answer that nothing was done; undefined for another one. */
function codeOf(answer: KvAnswer): ErrorCode | undefined {
  switch (answer.kind) {
    case "done":
      return undefined;
    case "conflict":
      return "precondition_failed";
    case "refused":
      return answer.code;
  }
}
