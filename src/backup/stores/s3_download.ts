import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { HiqliteError } from "../../errors.ts";
import { isLast, pauseAfter } from "./s3_client.ts";
import { httpStatusOf, reasonOf, s3Failure, wasGivenUp } from "./s3_failure.ts";
import type { OnRetry, S3Patience } from "./s3_options.ts";

const PART_BYTES = 8 * 1024 * 1024;

/** What is read, and how patiently. */
export interface Download {
  readonly client: S3Client;
  readonly target: { readonly Bucket: string; readonly Key: string };
  /** Of the object as it was found; another one is not mixed with it. */
  readonly etag: string;
  readonly from: number;
  /** After the last byte. */
  readonly end: number;
  readonly patience: S3Patience;
  readonly onRetry: OnRetry;
}

/** An object in parts, each asked for when somebody reads, buffered, and asked for again from where it broke off. */
export function downloadParts(
  download: Download,
): ReadableStream<Uint8Array> {
  let at = download.from;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      if (at >= download.end) return controller.close();
      const part = new Uint8Array(Math.min(PART_BYTES, download.end - at));
      try {
        await fill(part, at, download);
      } catch (error) {
        throw failureOf(error, download.target.Key);
      }
      at += part.length;
      controller.enqueue(part);
    },
  }, { highWaterMark: 0 });
}

/** Fills a part; what arrived before a failure is not asked for again. */
async function fill(
  part: Uint8Array,
  from: number,
  download: Download,
): Promise<void> {
  const { patience, onRetry } = download;
  let filled = 0;
  let begunMs = performance.now();
  for (let attempt = 1;; attempt++) {
    const before = filled;
    try {
      for await (
        const bytes of bodyOf(from + filled, from + part.length, download)
      ) {
        part.set(bytes.subarray(0, part.length - filled), filled);
        filled += bytes.length;
      }
      if (filled === part.length) return;
      throw new Error(
        `the answer ended after ${filled} of ${part.length} bytes`,
      );
    } catch (error) {
      // What moves on is no failure yet, however often it breaks off.
      if (filled > before) {
        attempt = 1;
        begunMs = performance.now();
      }
      if (wasGivenUp(error) || isLast(attempt, begunMs, patience)) throw error;
      const pauseMs = pauseAfter(attempt, patience);
      onRetry({ what: "download", attempt, reason: reasonOf(error), pauseMs });
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}

/** The bytes of a range, until they end or are silent for too long. */
async function* bodyOf(
  from: number,
  end: number,
  { client, target, etag, patience }: Download,
): AsyncGenerator<Uint8Array> {
  const { Body } = await client.send(
    new GetObjectCommand({
      ...target,
      IfMatch: etag,
      Range: `bytes=${from}-${end - 1}`,
    }),
  );
  const reader = (Body as unknown as ReadableStream<Uint8Array>).getReader();
  try {
    for (;;) {
      const { done, value } = await orSilence(
        reader.read(),
        patience.silenceMs,
      );
      if (done) return;
      yield value;
    }
  } finally {
    // The connection is not used again where something is left to read.
    await reader.cancel().catch(() => {});
  }
}

async function orSilence<T>(read: Promise<T>, silenceMs: number): Promise<T> {
  const silence = Promise.withResolvers<never>();
  const timer = setTimeout(
    () =>
      silence.reject(
        new DOMException(`silence for ${silenceMs} ms`, "TimeoutError"),
      ),
    silenceMs,
  );
  try {
    return await Promise.race([read, silence.promise]);
  } finally {
    clearTimeout(timer);
  }
}

function failureOf(error: unknown, key: string): HiqliteError {
  if (httpStatusOf(error) !== 412) return s3Failure(error, key);
  return new HiqliteError(
    "storage",
    `${key} was replaced while it was read: read it again`,
  );
}
