import {
  type _Object,
  AbortMultipartUploadCommand,
  DeleteObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectsV2Command,
  type MultipartUpload,
  PutObjectCommand,
} from "@aws-sdk/client-s3";
import { HiqliteError } from "../../errors.ts";
import { parseArchiveName, parseBackupName } from "../names.ts";
import {
  type ByteRange,
  checkObjectName,
  type ObjectPage,
  type ObjectStore,
  PAGE_OBJECTS,
  type StoredObject,
  type StoreOptions,
} from "../object_store.ts";
import { connectS3, type S3Connection } from "./s3_client.ts";
import { downloadParts } from "./s3_download.ts";
import { httpStatusOf, s3Failure } from "./s3_failure.ts";
import {
  type OnRetry,
  S3_PATIENCE,
  type S3Options,
  type S3Patience,
} from "./s3_options.ts";
import {
  partBytesFor,
  partsOf,
  uploadParts,
  type UploadTarget,
} from "./s3_upload.ts";

/** By its first bytes an object is known again: what is sealed begins with random ones. */
const KNOWN_BYTES = 64;

/** What went into an upload. */
interface Sent {
  /** Bytes in all. */
  size: number;
  /** The first ones. */
  first: Uint8Array;
  /** What the source failed with. */
  failure: unknown;
}

/** Objects in a bucket of S3, or of a server that speaks its language. */
export class S3Store implements ObjectStore {
  readonly #options: S3Options;
  readonly #patience: S3Patience;
  readonly #onRetry: OnRetry;
  readonly #connection: S3Connection;
  /** Whether the server takes conditions with whole objects; it says so once. */
  #takesConditions = true;

  /** Asks for nothing yet. */
  constructor(
    options: S3Options,
    onRetry: OnRetry = () => {},
    patience: S3Patience = S3_PATIENCE,
  ) {
    this.#options = options;
    this.#patience = patience;
    this.#onRetry = onRetry;
    this.#connection = connectS3(options, patience, onRetry);
  }

  /** See {@linkcode ObjectStore.put}. */
  async put(
    name: string,
    source: ReadableStream<Uint8Array>,
    options: StoreOptions = {},
  ): Promise<StoredObject> {
    checkObjectName(name);
    const { size = 0, replaces, signal } = options;
    const target: UploadTarget = {
      ...this.#target(name),
      ...(replaces === undefined
        ? { IfNoneMatch: "*" }
        : { IfMatch: replaces }),
    };
    const guarded = signal === undefined
      ? source
      : source.pipeThrough(new TransformStream(), { signal });
    const sent: Sent = { size: 0, first: new Uint8Array(0), failure: null };
    const parts = watched(partsOf(guarded, partBytesFor(size)), sent);
    let refusal: unknown = null;
    try {
      if (replaces !== undefined) await this.#checkPresent(name, replaces);
      await this.#upload(name, target, parts);
    } catch (error) {
      if (error === sent.failure) throw error;
      if (!isRefusal(error)) throw s3Failure(error, name);
      refusal = error;
    } finally {
      // What is left of the source is wanted no more.
      await parts.return(undefined);
    }
    const stored = await this.head(name);
    // An answer may be lost, and the repetition be told that the object is there.
    if (refusal !== null && !await this.#isOurs(stored, sent)) {
      throw s3Failure(
        refusal,
        `${name} is there, or not what was to be replaced`,
      );
    }
    if (stored?.size === sent.size) return stored;
    throw new HiqliteError(
      "storage",
      `${name} was stored with ${
        stored?.size ?? 0
      } bytes instead of ${sent.size}`,
    );
  }

  /** See {@linkcode ObjectStore.get}. */
  async get(
    name: string,
    range?: ByteRange,
  ): Promise<ReadableStream<Uint8Array>> {
    const found = await this.head(name);
    if (found === null) {
      throw new HiqliteError("not_found", `There is no backup ${name}`);
    }
    const from = range?.from ?? 0;
    return downloadParts({
      client: this.#connection.client,
      target: this.#target(name),
      etag: found.etag,
      from,
      end: Math.min(found.size, from + (range?.length ?? found.size)),
      patience: this.#patience,
      onRetry: this.#onRetry,
    });
  }

  /** See {@linkcode ObjectStore.head}. */
  async head(name: string): Promise<StoredObject | null> {
    checkObjectName(name);
    try {
      const found = await this.#connection.client.send(
        new HeadObjectCommand(this.#target(name)),
      );
      return storedObject(name, {
        Size: found.ContentLength,
        LastModified: found.LastModified,
        ETag: found.ETag,
      });
    } catch (error) {
      if (httpStatusOf(error) === 404) return null;
      throw s3Failure(error, name);
    }
  }

  /** See {@linkcode ObjectStore.list}. */
  list(
    prefix: string,
    next: string | null = null,
    limit: number = PAGE_OBJECTS,
  ): Promise<ObjectPage> {
    return this.#told(`The list of ${prefix}*`, async () => {
      const page = await this.#connection.client.send(
        new ListObjectsV2Command({
          Bucket: this.#options.bucket,
          Prefix: this.#options.prefix + prefix,
          MaxKeys: limit,
          ...(next === null ? {} : { ContinuationToken: next }),
        }),
      );
      const objects = (page.Contents ?? []).map((found) =>
        storedObject(this.#nameOf(found.Key!), found)
      );
      return { objects, next: page.NextContinuationToken ?? null };
    });
  }

  /** See {@linkcode ObjectStore.delete}. One by one: many servers want another checksum for several. */
  async delete(name: string): Promise<void> {
    checkObjectName(name);
    try {
      await this.#connection.client.send(
        new DeleteObjectCommand(this.#target(name)),
      );
    } catch (error) {
      if (httpStatusOf(error) !== 404) throw s3Failure(error, name);
    }
  }

  /** See {@linkcode ObjectStore.abortStale}. Only of names that are ours. */
  abortStale(beforeMs: number): Promise<number> {
    return this.#told("The uploads that were left behind", async () => {
      let count = 0;
      for await (const { Key, UploadId, Initiated } of this.#uploads()) {
        if (!isOurName(this.#nameOf(Key!))) continue;
        if ((Initiated?.getTime() ?? Infinity) >= beforeMs) continue;
        const upload = { Bucket: this.#options.bucket, Key, UploadId };
        await this.#connection.client.send(
          new AbortMultipartUploadCommand(upload),
        );
        count++;
      }
      return count;
    });
  }

  /** See {@linkcode ObjectStore.close}. */
  close(): Promise<void> {
    this.#connection[Symbol.dispose]();
    return Promise.resolve();
  }

  async #upload(
    name: string,
    target: UploadTarget,
    parts: AsyncGenerator<Uint8Array>,
  ): Promise<void> {
    const first = await parts.next();
    const second = await parts.next();
    if (second.done) return await this.#putWhole(name, target, first.value);
    // Not IfMatch: some servers compare it with another etag than they show.
    const { IfMatch: _, ...always } = target;
    await uploadParts(
      this.#connection.client,
      always,
      chained([first.value, second.value], parts),
    );
  }

  async #putWhole(
    name: string,
    target: UploadTarget,
    Body: Uint8Array,
  ): Promise<void> {
    const { client } = this.#connection;
    if (this.#takesConditions) {
      try {
        await client.send(new PutObjectCommand({ ...target, Body }));
        return;
      } catch (error) {
        if (httpStatusOf(error) !== 501) throw error;
        this.#takesConditions = false;
      }
    }
    const { Bucket, Key, IfMatch } = target;
    await this.#checkPresent(name, IfMatch ?? null);
    await client.send(new PutObjectCommand({ Bucket, Key, Body }));
  }

  /** @throws {HiqliteError} `conflict` unless there is an object with that etag; null: none at all. */
  async #checkPresent(name: string, etag: string | null): Promise<void> {
    const present = await this.head(name);
    if ((present?.etag ?? null) === etag) return;
    throw new HiqliteError(
      "conflict",
      etag === null
        ? `There is a backup ${name}`
        : `${name} is not what was to be replaced: it changed, or is gone`,
    );
  }

  /** Whether what is stored begins with what was sent, and has its size. */
  async #isOurs(stored: StoredObject | null, sent: Sent): Promise<boolean> {
    if (stored === null || stored.size !== sent.size) return false;
    const length = Math.max(1, sent.first.length);
    const first = await this.get(stored.name, { from: 0, length });
    const bytes = new Uint8Array(await new Response(first).arrayBuffer());
    return bytes.every((byte, at) => byte === sent.first[at]);
  }

  /** Uploads that have not ended, page by page. */
  async *#uploads(): AsyncGenerator<MultipartUpload> {
    const { bucket: Bucket, prefix: Prefix } = this.#options;
    let page: Partial<ListMultipartUploadsCommandOutput> = {};
    do {
      page = await this.#connection.client.send(
        new ListMultipartUploadsCommand({
          Bucket,
          Prefix,
          KeyMarker: page.NextKeyMarker,
          UploadIdMarker: page.NextUploadIdMarker,
        }),
      );
      yield* page.Uploads ?? [];
    } while (page.IsTruncated === true);
  }

  #target(name: string): { Bucket: string; Key: string } {
    const { bucket, prefix } = this.#options;
    return { Bucket: bucket, Key: prefix + name };
  }

  #nameOf(key: string): string {
    return key.slice(this.#options.prefix.length);
  }

  async #told<T>(what: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      throw s3Failure(error, what);
    }
  }
}

/** Notes what passes. */
async function* watched(
  parts: AsyncGenerator<Uint8Array>,
  sent: Sent,
): AsyncGenerator<Uint8Array> {
  try {
    for await (const part of parts) {
      if (sent.size === 0) sent.first = part.slice(0, KNOWN_BYTES);
      sent.size += part.length;
      yield part;
    }
  } catch (error) {
    sent.failure = error;
    throw error;
  }
}

async function* chained(
  first: readonly Uint8Array[],
  rest: AsyncGenerator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  yield* first;
  yield* rest;
}

/** Whether the server says that the object is there, or that its upload is over. */
function isRefusal(error: unknown): boolean {
  const status = httpStatusOf(error);
  return status === 412 || status === 409 ||
    (error as Error).name === "NoSuchUpload";
}

function isOurName(name: string): boolean {
  return parseBackupName(name) !== undefined ||
    parseArchiveName(name) !== undefined;
}

function storedObject(
  name: string,
  found: Pick<_Object, "Size" | "LastModified" | "ETag">,
): StoredObject {
  return {
    name,
    size: found.Size ?? 0,
    modifiedMs: found.LastModified?.getTime() ?? 0,
    etag: found.ETag ?? "",
  };
}
