import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  type S3Client,
  UploadPartCommand,
} from "@aws-sdk/client-s3";
import { HiqliteError } from "../../errors.ts";

const PART_BYTES = 8 * 1024 * 1024;
/** S3 takes 10,000; some are left for sources that are longer than was said. */
const PARTS_PLANNED = 9000;
const PARTS_MAX = 10_000;
/** Parts on their way at the same time. */
const PARTS_AT_ONCE = 2;

/** Which object, and on which condition it comes to be. */
export interface UploadTarget {
  readonly Bucket: string;
  readonly Key: string;
  readonly IfNoneMatch?: string;
  readonly IfMatch?: string;
}

/** The size of parts for an object of about so many bytes. */
export function partBytesFor(size: number): number {
  return Math.max(PART_BYTES, Math.ceil(size / PARTS_PLANNED));
}

/** The source in pieces of one size, the last one shorter. The first one comes even if it is empty. */
export async function* partsOf(
  source: ReadableStream<Uint8Array>,
  partBytes: number,
): AsyncGenerator<Uint8Array> {
  let part = new Uint8Array(partBytes);
  let length = 0;
  let count = 0;
  for await (let bytes of source) {
    while (bytes.length > 0) {
      if (length === partBytes) {
        count++;
        yield part;
        part = new Uint8Array(partBytes);
        length = 0;
      }
      const piece = bytes.subarray(0, partBytes - length);
      part.set(piece, length);
      length += piece.length;
      bytes = bytes.subarray(piece.length);
    }
  }
  if (length > 0 || count === 0) yield part.subarray(0, length);
}

/**
 * Uploads parts as one object. They are buffers, so each can be sent again. It
 * becomes an object only once the source has ended well; else it is removed.
 */
export async function uploadParts(
  client: S3Client,
  target: UploadTarget,
  parts: AsyncIterable<Uint8Array>,
): Promise<void> {
  const { Bucket, Key } = target;
  const { UploadId } = await client.send(
    new CreateMultipartUploadCommand({ Bucket, Key }),
  );
  if (UploadId === undefined) throw noUpload(Key);
  const upload = { Bucket, Key, UploadId };
  try {
    const etags = await sendParts(client, upload, parts);
    await client.send(
      new CompleteMultipartUploadCommand({
        ...target,
        UploadId,
        MultipartUpload: {
          Parts: etags.map((ETag, at) => ({ ETag, PartNumber: at + 1 })),
        },
      }),
    );
  } catch (error) {
    // Whoever is kept from it leaves the parts to abortStale().
    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});
    throw error;
  }
}

async function sendParts(
  client: S3Client,
  upload: { Bucket: string; Key: string; UploadId: string },
  parts: AsyncIterable<Uint8Array>,
): Promise<string[]> {
  const etags: string[] = [];
  const running = new Set<Promise<void>>();
  const send = async (Body: Uint8Array, PartNumber: number): Promise<void> => {
    const { ETag } = await client.send(
      new UploadPartCommand({ ...upload, Body, PartNumber }),
    );
    if (ETag === undefined) throw noUpload(upload.Key);
    etags[PartNumber - 1] = ETag;
  };
  try {
    let number = 0;
    for await (const part of parts) {
      if (++number > PARTS_MAX) throw tooManyParts(upload.Key);
      const sent = send(part, number).finally(() => running.delete(sent));
      running.add(sent);
      if (running.size >= PARTS_AT_ONCE) await Promise.race(running);
    }
    await Promise.all(running);
    return etags;
  } catch (error) {
    // A part that arrives after the upload was removed would stay.
    await Promise.allSettled(running);
    throw error;
  }
}

function noUpload(key: string): HiqliteError {
  return new HiqliteError(
    "storage",
    `${key}: the S3 server answered without what belongs to an upload`,
  );
}

function tooManyParts(key: string): HiqliteError {
  return new HiqliteError(
    "too_large",
    `${key} is much larger than was said: it has more than ${PARTS_MAX} parts`,
  );
}
