import { createHash } from "node:crypto";
import { type Credentials, refuseSignature, signedAt } from "./signature.ts";

/** By how much a client's clock may be wrong, as with AWS. */
const SKEW_MS = 15 * 60_000;

/** What a request is answered with instead. */
export type Fault =
  /** That status, and an error of S3 with that name. */
  | { readonly status: number; readonly code?: string }
  /** Nothing, ever. */
  | "silence"
  /** What it asks for happens, but the answer breaks off after so many bytes of its body. */
  | { readonly cutAfter: number }
  /** The same, but the answer only stops. */
  | { readonly silentAfter: number }
  /** What it asks for happens, and the answer is a failure. */
  | "lost answer";

/** What a fault is chosen by. */
export interface StubRequest {
  readonly method: string;
  /** Without the bucket. */
  readonly key: string;
  readonly query: URLSearchParams;
}

/** An object in the stub. */
export interface StubObject {
  readonly body: Uint8Array;
  readonly modified: Date;
  readonly etag: string;
}

/** An upload that has not ended. */
export interface Unfinished {
  readonly key: string;
  readonly begun: Date;
  readonly parts: Map<number, Uint8Array>;
}

/** An S3 server in this process, for what no real one does when asked to: it checks signatures, and fails on demand. */
export class S3Stub implements AsyncDisposable {
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #scheme: string;
  readonly #ended = Promise.withResolvers<void>();
  readonly credentials: Credentials = {
    key: "stub-key",
    secret: "stub-secret",
    region: "stub-1",
  };
  readonly bucket = "backups";
  readonly objects = new Map<string, StubObject>();
  readonly uploads = new Map<string, Unfinished>();
  /** All requests, as `PUT key`. */
  readonly requests: string[] = [];
  /** Chooses faults. */
  fault: (request: StubRequest) => Fault | null = () => null;
  /** Of whole objects with 501, as old servers do, or not at all. */
  conditions: "all" | "complete only" = "all";

  /** How far this server's clock is ahead, ms. */
  aheadMs = 0;
  /** Whether what is to be deleted is deleted; the answer is yes in any case. */
  deletes: (key: string) => boolean = () => true;

  /** Over TLS with a certificate, if there is one. */
  constructor(tls?: Deno.TlsCertifiedKeyPem) {
    this.#scheme = tls === undefined ? "http" : "https";
    const options = { hostname: "127.0.0.1", port: 0, onListen: () => {} };
    this.#server = Deno.serve(
      tls === undefined ? options : { ...options, ...tls },
      async (request) => {
        const answer = await this.#serve(request);
        const now = new Date(Date.now() + this.aheadMs);
        answer.headers.set("date", now.toUTCString());
        return answer;
      },
    );
  }

  get url(): string {
    return `${this.#scheme}://127.0.0.1:${this.#server.addr.port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#ended.resolve();
    await this.#server.shutdown();
  }

  async #serve(request: Request): Promise<Response> {
    const body = new Uint8Array(await request.arrayBuffer());
    const url = new URL(request.url);
    const [, bucket, ...rest] = decodeURIComponent(url.pathname).split("/");
    const key = rest.join("/");
    this.requests.push(`${request.method} ${key}`);
    const query = url.searchParams;
    const nowMs = Date.now() + this.aheadMs;
    if (Math.abs(nowMs - signedAt(request)) > SKEW_MS) {
      return failure(403, "RequestTimeTooSkewed");
    }
    const refusal = refuseSignature(request, body, this.credentials);
    if (refusal !== null) return failure(403, "SignatureDoesNotMatch", refusal);
    const fault = this.fault({ method: request.method, key, query });
    if (fault === "silence") {
      await this.#ended.promise;
      return failure(503, "SlowDown");
    }
    if (fault !== null && typeof fault === "object" && "status" in fault) {
      return failure(fault.status, fault.code ?? "InternalError");
    }
    if (bucket !== this.bucket) return failure(404, "NoSuchBucket");
    const answer = this.#answer(request, key, query, body);
    if (fault === null) return answer;
    if (fault === "lost answer") return failure(500, "InternalError");
    return "cutAfter" in fault
      ? broken(answer, fault.cutAfter, Promise.resolve())
      : broken(answer, fault.silentAfter, this.#ended.promise);
  }

  #answer(
    request: Request,
    key: string,
    query: URLSearchParams,
    body: Uint8Array,
  ): Response {
    const { method } = request;
    if (key === "") {
      return query.has("uploads")
        ? this.#listUploads(query)
        : this.#list(query);
    }
    if (query.has("uploads")) return this.#create(key);
    if (query.has("uploadId")) return this.#upload(request, key, query, body);
    switch (method) {
      case "PUT": {
        const refused = this.#refuse(request, key);
        return refused ?? this.#store(key, body);
      }
      case "DELETE":
        if (this.deletes(key)) this.objects.delete(key);
        return new Response(null, { status: 204 });
      default:
        return this.#read(request, key);
    }
  }

  #refuse(request: Request, key: string): Response | null {
    const none = request.headers.get("if-none-match");
    const match = request.headers.get("if-match");
    if (none === null && match === null) return null;
    if (this.conditions !== "all" && request.method === "PUT") {
      return failure(501, "NotImplemented");
    }
    const present = this.objects.get(key);
    const holds = none !== null
      ? present === undefined
      : present?.etag === match;
    return holds ? null : failure(412, "PreconditionFailed");
  }

  #store(key: string, body: Uint8Array): Response {
    const etag = `"${createHash("md5").update(body).digest("hex")}"`;
    this.objects.set(key, { body, modified: new Date(), etag });
    return new Response(null, { headers: { etag } });
  }

  #create(key: string): Response {
    const id = crypto.randomUUID();
    this.uploads.set(id, { key, begun: new Date(), parts: new Map() });
    return xml(
      `<InitiateMultipartUploadResult><UploadId>${id}</UploadId></InitiateMultipartUploadResult>`,
    );
  }

  #upload(
    request: Request,
    key: string,
    query: URLSearchParams,
    body: Uint8Array,
  ): Response {
    const id = query.get("uploadId")!;
    const upload = this.uploads.get(id);
    if (upload === undefined || upload.key !== key) {
      return failure(404, "NoSuchUpload");
    }
    switch (request.method) {
      case "PUT":
        upload.parts.set(Number(query.get("partNumber")), body);
        return new Response(null, {
          headers: { etag: `"part-${query.get("partNumber")}"` },
        });
      case "DELETE":
        this.uploads.delete(id);
        return new Response(null, { status: 204 });
      default:
        return this.#complete(request, upload, id, body);
    }
  }

  #complete(
    request: Request,
    { key, parts }: Unfinished,
    id: string,
    body: Uint8Array,
  ): Response {
    const wanted = [
      ...new TextDecoder().decode(body).matchAll(/<PartNumber>(\d+)</g),
    ].map(([, number]) => Number(number));
    const bodies = wanted.map((number) => parts.get(number));
    if (wanted.length !== parts.size || bodies.includes(undefined)) {
      return failure(400, "InvalidPart");
    }
    const tooSmall = bodies.slice(0, -1).some((part) =>
      part!.length < 5 * 1024 * 1024
    );
    if (tooSmall) return failure(400, "EntityTooSmall");
    const refused = this.#refuse(request, key);
    if (refused !== null) return refused;
    this.uploads.delete(id);
    this.#store(key, concat(bodies as Uint8Array[]));
    return xml(
      "<CompleteMultipartUploadResult><Key/></CompleteMultipartUploadResult>",
    );
  }

  #read(request: Request, key: string): Response {
    const found = this.objects.get(key);
    if (found === undefined) return failure(404, "NoSuchKey");
    const match = request.headers.get("if-match");
    if (match !== null && match !== found.etag) {
      return failure(412, "PreconditionFailed");
    }
    const [, from, to] =
      /^bytes=(\d+)-(\d+)$/.exec(request.headers.get("range") ?? "") ?? [];
    const body = from === undefined
      ? found.body
      : found.body.slice(Number(from), Number(to) + 1);
    return new Response(
      request.method === "HEAD" ? null : body as BodyInit,
      {
        status: from === undefined ? 200 : 206,
        headers: {
          etag: found.etag,
          "last-modified": found.modified.toUTCString(),
          "content-length": `${body.length}`,
        },
      },
    );
  }

  #list(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const after = query.get("continuation-token") ?? "";
    const keys = [...this.objects.keys()].sort()
      .filter((key) => key.startsWith(prefix) && key > after);
    const page = keys.slice(0, Number(query.get("max-keys") ?? 1000));
    const more = page.length < keys.length;
    return xml(
      `<ListBucketResult><IsTruncated>${more}</IsTruncated>${
        more
          ? `<NextContinuationToken>${page.at(-1)}</NextContinuationToken>`
          : ""
      }${
        page.map((key) => {
          const { body, modified, etag } = this.objects.get(key)!;
          return `<Contents><Key>${key}</Key><Size>${body.length}</Size><ETag>${
            etag.replaceAll('"', "&quot;")
          }</ETag><LastModified>${modified.toISOString()}</LastModified></Contents>`;
        }).join("")
      }</ListBucketResult>`,
    );
  }

  #listUploads(query: URLSearchParams): Response {
    const prefix = query.get("prefix") ?? "";
    const found = [...this.uploads].filter(([, { key }]) =>
      key.startsWith(prefix)
    );
    return xml(
      `<ListMultipartUploadsResult><IsTruncated>false</IsTruncated>${
        found.map(([id, { key, begun }]) =>
          `<Upload><Key>${key}</Key><UploadId>${id}</UploadId><Initiated>${begun.toISOString()}</Initiated></Upload>`
        ).join("")
      }</ListMultipartUploadsResult>`,
    );
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(
    parts.reduce((sum, part) => sum + part.length, 0),
  );
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function xml(text: string): Response {
  return new Response(`<?xml version="1.0"?>${text}`, {
    headers: { "content-type": "application/xml" },
  });
}

function failure(status: number, code: string, message = code): Response {
  const body =
    `<?xml version="1.0"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`;
  return new Response(body, { status });
}

/** An answer of which some bytes come, and whose connection is reset then. */
async function broken(
  answer: Response,
  after: number,
  then: Promise<void>,
): Promise<Response> {
  const body = new Uint8Array(await answer.arrayBuffer());
  let sent = false;
  return new Response(
    new ReadableStream({
      async pull(controller) {
        if (!sent && after > 0) {
          sent = true;
          return controller.enqueue(body.slice(0, after));
        }
        await then;
        throw new Error("broken on purpose");
      },
    }, { highWaterMark: 0 }),
    { status: answer.status, headers: answer.headers },
  );
}
