import { HiqliteError } from "../errors.ts";
import { joinedBytes } from "../util/bytes.ts";

/** Limits of bodies. */
export interface RequestBodiesOptions {
  /** Bytes of one body. @default {16_777_216} */
  readonly maxBytes?: number;
  /** Bytes of all bodies under way. @default {67_108_864} */
  readonly maxTotalBytes?: number;
  /** Bytes of those of one client. @default as many as of all */
  readonly maxClientBytes?: number;
  /** How long a client may take to send one, ms. @default {30_000} */
  readonly timeoutMs?: number;
}

/** A body, and the room it takes until it is disposed of. */
export interface HeldBody extends AsyncDisposable {
  readonly bytes: Uint8Array<ArrayBuffer> | null;
}

/** Bodies of requests, kept until they are answered: a member that dies may have to be asked again elsewhere. */
export class RequestBodies {
  readonly #maxBytes: number;
  readonly #maxTotal: number;
  readonly #maxClient: number;
  readonly #timeoutMs: number;
  #total = 0;
  /** Bytes by client, of who has any. */
  readonly #byClient = new Map<string, number>();

  /** With these limits. */
  constructor(options: RequestBodiesOptions = {}) {
    this.#maxBytes = options.maxBytes ?? 16 * 1024 * 1024;
    this.#maxTotal = options.maxTotalBytes ?? 64 * 1024 * 1024;
    this.#maxClient = options.maxClientBytes ?? Infinity;
    this.#timeoutMs = options.timeoutMs ?? 30_000;
  }

  /** Reads a body of `client`. @throws {HiqliteError} `too_large`, `overloaded`, `timeout`; `invalid` if it breaks off. */
  async take(request: Request, client: string): Promise<HeldBody> {
    const { body } = request;
    if (body === null) {
      return { bytes: null, [Symbol.asyncDispose]: () => Promise.resolve() };
    }
    // Nobody waits for the bytes of a body that is refused in any case.
    this.#check(Number(request.headers.get("content-length") ?? 0), client);
    const chunks: Uint8Array[] = [];
    let taken = 0;
    const release = (): Promise<void> => {
      this.#count(client, -taken);
      taken = 0;
      return Promise.resolve();
    };
    const reader = body.getReader();
    const late = AbortSignal.timeout(this.#timeoutMs);
    const cancel = (): void => void reader.cancel().catch(() => {});
    late.addEventListener("abort", cancel);
    try {
      for (;;) {
        const { done, value } = await reader.read();
        if (late.aborted) throw this.#late();
        if (done) break;
        chunks.push(value);
        taken += value.length;
        this.#count(client, value.length);
        this.#check(taken, client);
      }
    } catch (error) {
      cancel();
      await release();
      throw error instanceof HiqliteError
        ? error
        : new HiqliteError("invalid", "The body broke off", { cause: error });
    } finally {
      late.removeEventListener("abort", cancel);
    }
    const bytes = joinedBytes(chunks, taken);
    return { bytes, [Symbol.asyncDispose]: release };
  }

  #count(client: string, bytes: number): void {
    this.#total += bytes;
    const own = (this.#byClient.get(client) ?? 0) + bytes;
    if (own === 0) this.#byClient.delete(client);
    else this.#byClient.set(client, own);
  }

  #check(taken: number, client: string): void {
    if (taken > this.#maxBytes) {
      throw new HiqliteError(
        "too_large",
        `The body has more than ${this.#maxBytes} bytes`,
      );
    }
    if ((this.#byClient.get(client) ?? 0) > this.#maxClient) {
      throw new HiqliteError(
        "overloaded",
        `The bodies of your address's requests under way have more than ${this.#maxClient} bytes; try again`,
      );
    }
    if (this.#total > this.#maxTotal) {
      throw new HiqliteError(
        "overloaded",
        `The bodies of all requests under way have more than ${this.#maxTotal} bytes; try again`,
      );
    }
  }

  #late(): HiqliteError {
    return new HiqliteError(
      "timeout",
      `The body did not arrive within ${this.#timeoutMs} ms`,
    );
  }
}
