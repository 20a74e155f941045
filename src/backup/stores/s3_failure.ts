import { type ErrorCode, HiqliteError } from "../../errors.ts";

/** What the SDK's errors have in common. */
interface S3Error extends Error {
  readonly $metadata?: {
    readonly httpStatusCode?: number;
    /** Set by the SDK when it gives up. */
    readonly attempts?: number;
    readonly clockSkewCorrected?: boolean;
  };
}

/** Names of refusals that may be over the next time. */
const PASSING: ReadonlySet<string> = new Set([
  "RequestTimeout",
  "ConditionalRequestConflict",
  "OperationAborted",
  "SlowDown",
]);

/** The HTTP status that an error came with; undefined if there was no answer. */
export function httpStatusOf(error: unknown): number | undefined {
  return (error as S3Error | null)?.$metadata?.httpStatusCode;
}

/** Whether the same request may succeed later. */
export function mayPass(error: unknown): boolean {
  const status = httpStatusOf(error);
  if (error instanceof HiqliteError) return false;
  if (status === undefined || PASSING.has((error as Error).name)) return true;
  if ((error as S3Error).$metadata?.clockSkewCorrected === true) return true;
  return status === 408 || status === 429 || status >= 500 && status !== 501;
}

/** Whether the request was repeated as often as it may be. */
export function wasGivenUp(error: unknown): boolean {
  return (error as S3Error).$metadata?.attempts !== undefined;
}

/** What went wrong, in a few words. Bodies of answers are not quoted: they repeat what was signed. */
export function reasonOf(error: unknown): string {
  const { name, message } = error as Error;
  const status = httpStatusOf(error);
  if (name === "TimeoutError") {
    return message.startsWith("silence") ? message : "no answer in time";
  }
  if (status === undefined) return shortened(causesOf(error));
  const text = shortened(message);
  // An answer to HEAD says no more than its status.
  return name === "Unknown" ? `status ${status}` : `${status} ${name}: ${text}`;
}

/** Its message and those of its causes: "fetch failed" alone says nothing. */
function causesOf(error: unknown): string {
  const messages: string[] = [];
  for (let at = error; at instanceof Error; at = at.cause) {
    messages.push(at.message);
  }
  return messages.join(": ");
}

function shortened(text: string): string {
  return text.replaceAll(/\s+/g, " ").slice(0, 300);
}

/** An error of a store, from what the SDK threw. `what` begins its message. */
export function s3Failure(error: unknown, what: string): HiqliteError {
  if (error instanceof HiqliteError) return error;
  const [code, advice] = meaningOf(error);
  return new HiqliteError(
    code,
    `${what}: ${reasonOf(error)}${advice === "" ? "" : `; ${advice}`}`,
    { cause: error },
  );
}

function meaningOf(error: unknown): readonly [ErrorCode, string] {
  const { name } = error as Error;
  const status = httpStatusOf(error);
  if (name === "TimeoutError") return ["timeout", ""];
  if (name === "NoSuchBucket") return ["storage", "check s3_bucket"];
  switch (status) {
    case 401:
    case 403:
      return ["forbidden", "check s3_key, s3_secret and what they may do"];
    case 404:
      return ["not_found", ""];
    case 409:
    case 412:
      return ["conflict", ""];
    default:
      return ["storage", ""];
  }
}
