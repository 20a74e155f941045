import { type ErrorBody, errorOf } from "./error_body.ts";
import { HTTP_STATUS } from "../errors.ts";
import type { JsonSchema } from "./json_schema.ts";
import type { ReplyCodec } from "./route.ts";
import { resultFromJson, resultToJson } from "./result.ts";
import type { CommandFailure, StatementResult } from "../state/sql/types.ts";
import type { WriteAnswer } from "../node/port.ts";

/** How the results of an applied write are written, beside its index. */
export interface ResultsCodec {
  readonly schema: JsonSchema;
  encode(results: readonly StatementResult[]): object;
  decode(body: object): StatementResult[];
}

/** The reply to a write: its results and index, or why it was refused and what was kept. */
export function writeReply(results: ResultsCodec): ReplyCodec<WriteAnswer> {
  return {
    format: "json",
    statuses: { 200: "Done." },
    schema: results.schema,
    encode: ({ result, index }) =>
      result.ok ? { ...results.encode(result.results), index } : {
        error: result.error,
        results: result.results.map(resultToJson),
        index,
      },
    status: ({ result }) => result.ok ? 200 : HTTP_STATUS[result.error.code],
    accepts: (_, body) => isRefusal(body),
    decode: (body) => {
      const { index } = body as { readonly index: number };
      return isRefusal(body)
        ? {
          index,
          result: {
            ok: false,
            error: body.error as CommandFailure,
            results: body.results.map(resultFromJson),
          },
        }
        : {
          index,
          result: { ok: true, results: results.decode(body as object) },
        };
    },
  };
}

/** A refusal has a place in the log; an error that came before has none. */
function isRefusal(body: unknown): body is Required<ErrorBody> {
  const { index, results } = body as ErrorBody;
  return index !== undefined && results !== undefined &&
    errorOf(body) !== undefined;
}
