import { S3Client } from "@aws-sdk/client-s3";
import { FetchHttpHandler } from "@smithy/fetch-http-handler";
import { mayPass, reasonOf } from "./s3_failure.ts";
import type { OnRetry, S3Options, S3Patience } from "./s3_options.ts";

/** A body is given a second more for so many bytes: 64 KiB/s is the slowest line that works. */
const BYTES_PER_MS = 64;

/** What the SDK's retries know of a request. */
interface RetryToken {
  /** When the first request was made, by `performance.now()`. */
  readonly begunMs: number;
  getRetryCount(): number;
  getRetryDelay(): number;
}

/** The SDK's client, with time limits, retries and certificates of our own. */
export interface S3Connection extends Disposable {
  readonly client: S3Client;
}

/** A connection to a server. It asks for nothing yet. */
export function connectS3(
  options: S3Options,
  patience: S3Patience,
  onRetry: OnRetry,
): S3Connection {
  const http = Deno.createHttpClient({
    caCerts: [...options.caCerts],
    // Bodies wait for acknowledgements over h2.
    http2: false,
  });
  const client = new S3Client({
    endpoint: options.url,
    region: options.region,
    credentials: { accessKeyId: options.key, secretAccessKey: options.secret },
    forcePathStyle: options.pathStyle,
    // Many servers know no other checksums than those of the signature.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    retryStrategy: new BoundedRetries(patience, onRetry),
    requestHandler: new FetchHttpHandler({
      requestInit: (request) => ({
        client: http,
        signal: limitOf(request as { readonly body?: unknown }, patience),
      } as RequestInit),
    }),
  });
  return {
    client,
    [Symbol.dispose]() {
      client.destroy();
      http.close();
    },
  };
}

/** Ends an attempt that takes too long; the SDK's own limit would leave the request behind. */
function limitOf(
  { body }: { readonly body?: unknown },
  { answerMs }: S3Patience,
): AbortSignal {
  const bytes = body instanceof Uint8Array ? body.length : 0;
  return AbortSignal.timeout(answerMs + Math.ceil(bytes / BYTES_PER_MS));
}

/** The pause after the failure of that number, from 1 on: between half and all of twice the one before. */
export function pauseAfter(
  attempt: number,
  { pauseMs, pauseMaxMs }: S3Patience,
): number {
  const most = Math.min(pauseMaxMs, pauseMs * 2 ** (attempt - 1));
  return Math.round(most * (0.5 + Math.random() / 2));
}

/** Whether nothing is asked again after the failure of that number. */
export function isLast(
  attempt: number,
  begunMs: number,
  { attempts, giveUpMs }: S3Patience,
): boolean {
  return attempt >= attempts || performance.now() - begunMs >= giveUpMs;
}

/** Repeats what may pass, with growing pauses, a number of times; every repetition is told of. */
class BoundedRetries {
  readonly #patience: S3Patience;
  readonly #onRetry: OnRetry;
  readonly mode = "hiqlite";

  constructor(patience: S3Patience, onRetry: OnRetry) {
    this.#patience = patience;
    this.#onRetry = onRetry;
  }

  acquireInitialRetryToken(): Promise<RetryToken> {
    return Promise.resolve(tokenOf(performance.now(), 0, 0));
  }

  refreshRetryTokenForRetry(
    { begunMs, getRetryCount }: RetryToken,
    { error }: { readonly error?: unknown },
  ): Promise<RetryToken> {
    const attempt = getRetryCount() + 1;
    if (isLast(attempt, begunMs, this.#patience) || !mayPass(error)) {
      return Promise.reject(error);
    }
    const pauseMs = pauseAfter(attempt, this.#patience);
    const what = "request";
    this.#onRetry({ what, attempt, reason: reasonOf(error), pauseMs });
    return Promise.resolve(tokenOf(begunMs, attempt, pauseMs));
  }

  recordSuccess(): void {}
}

function tokenOf(
  begunMs: number,
  count: number,
  pauseMs: number,
): RetryToken {
  return { begunMs, getRetryCount: () => count, getRetryDelay: () => pauseMs };
}
