import { joinedBytes } from "../util/bytes.ts";
import { HiqliteError } from "../errors.ts";
import { isGoneClient } from "./gone_client.ts";
import { type DocumentLimits, JsonStream } from "./json_stream.ts";
import { parseJson } from "./parse_json.ts";
import { RequestError } from "./request_error.ts";

/** Limits of request bodies. */
export interface BodyLimits {
  /** Bytes of one body. */
  readonly maxBodyBytes: number;
  /** Bytes of the bodies of all requests under way. */
  readonly maxBufferedBytes: number;
  /** Longest wait for the whole body, ms. */
  readonly bodyTimeoutMs: number;
}

/** Bodies up to this size are read in one piece, and parsed in one go: a few ms. Bytes. */
const WHOLE_BYTES_MAX = 64 * 1024;

/** Of larger bodies. Four times as many parameters as one statement may have, and their statements; nothing of the API nests deeper than six. */
const DOCUMENT_LIMITS: DocumentLimits = { values: 262_144, depth: 64 };

/** Reads JSON bodies and keeps count of what they occupy. */
export class BodyReader {
  readonly #limits: BodyLimits;
  #buffered = 0;

  /** A reader whose requests share `limits.maxBufferedBytes`. */
  constructor(limits: BodyLimits) {
    this.#limits = limits;
  }

  /** Bytes of the bodies in use. */
  get buffered(): number {
    return this.#buffered;
  }

  /**
   * Runs `use` with the parsed body, whose bytes count until it has ended.
   *
   * @throws {HiqliteError} `invalid`, `too_large`, `overloaded`
   */
  async json<T>(
    request: Request,
    use: (body: unknown) => Promise<T>,
  ): Promise<T> {
    return await this.#holding(
      this.#limits.maxBodyBytes,
      async (hold) => await use(await this.#read(request, hold)),
    );
  }

  /**
   * Runs `use` with the bytes of a body, `most` of them at most, which count until it has ended.
   *
   * @throws {HiqliteError} `invalid`, `too_large`, `overloaded`
   */
  async bytes<T>(
    request: Request,
    most: number,
    use: (body: Uint8Array<ArrayBuffer>) => Promise<T>,
  ): Promise<T> {
    const { maxBodyBytes } = this.#limits;
    return await this.#holding(Math.min(most, maxBodyBytes), async (hold) => {
      const { body } = request;
      if (body === null) return await use(new Uint8Array(0));
      return await use(
        await this.#inTime((late) => collectChunks(body, hold, late)),
      );
    });
  }

  /** Counts what a body holds, `most` bytes at most, until `use` has ended. */
  async #holding<T>(
    most: number,
    use: (hold: (bytes: number) => void) => Promise<T>,
  ): Promise<T> {
    let held = 0;
    const hold = (bytes: number): void => {
      const { maxBufferedBytes, maxBodyBytes } = this.#limits;
      if (held + bytes > most) {
        const limit = most === maxBodyBytes ? " (max_body_bytes)" : "";
        throw new HiqliteError(
          "too_large",
          `The body is larger than ${most} bytes${limit}; send less at once`,
        );
      }
      if (this.#buffered + bytes > maxBufferedBytes) {
        throw new HiqliteError(
          "overloaded",
          `Requests under way hold ${this.#buffered} of ${maxBufferedBytes} bytes; try again`,
        );
      }
      held += bytes;
      this.#buffered += bytes;
    };
    try {
      return await use(hold);
    } finally {
      this.#buffered -= held;
    }
  }

  async #read(
    request: Request,
    hold: (bytes: number) => void,
  ): Promise<unknown> {
    if (request.body === null) return parseJson("");
    const announced = Number(request.headers.get("content-length") ?? -1);
    if (announced > this.#limits.maxBodyBytes) hold(announced);
    const { body } = request;
    return await this.#inTime(async (late) => {
      if (announced < 0 || announced > WHOLE_BYTES_MAX) {
        return await parseChunks(body, hold, late);
      }
      hold(announced);
      const whole = await Promise.race([request.bytes(), late]);
      if (whole.length > announced) hold(whole.length - announced);
      return parseJson(new TextDecoder("utf-8", { fatal: true }).decode(whole));
    });
  }

  /** Reads a body; `late` rejects when that takes too long. */
  async #inTime<T>(read: (late: Promise<never>) => Promise<T>): Promise<T> {
    const { bodyTimeoutMs } = this.#limits;
    const late = Promise.withResolvers<never>();
    late.promise.catch(() => {});
    const timer = setTimeout(
      () =>
        late.reject(
          new RequestError(
            408,
            `The body did not arrive within ${bodyTimeoutMs} ms`,
          ),
        ),
      bodyTimeoutMs,
    );
    try {
      return await read(late.promise);
    } catch (error) {
      if (isGoneClient(error)) {
        const message = "The connection was closed before the body had arrived";
        throw new HiqliteError("invalid", message, { cause: error });
      }
      if (!(error instanceof TypeError)) throw error;
      throw new HiqliteError("invalid", "The body is not UTF-8, or broke off", {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The bytes of a body, as long as `hold` takes them. */
async function collectChunks(
  body: ReadableStream<Uint8Array>,
  hold: (bytes: number) => void,
  late: Promise<never>,
): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  await eachChunk(body, hold, late, (chunk) => {
    chunks.push(chunk);
    length += chunk.length;
  });
  return joinedBytes(chunks, length);
}

/** Parses a body piece by piece and stops where `hold` or the parser refuses more. */
async function parseChunks(
  body: ReadableStream<Uint8Array>,
  hold: (bytes: number) => void,
  late: Promise<never>,
): Promise<unknown> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  const json = new JsonStream(DOCUMENT_LIMITS);
  let empty = true;
  await eachChunk(body, hold, late, async (chunk) => {
    empty &&= chunk.length === 0;
    await json.push(decoder.decode(chunk, { stream: true }));
  });
  return empty ? parseJson("") : await json.end(decoder.decode());
}

/** Hands over a body piece by piece until `hold` or `take` refuses more, or `late` rejects. */
async function eachChunk(
  body: ReadableStream<Uint8Array>,
  hold: (bytes: number) => void,
  late: Promise<never>,
  take: (chunk: Uint8Array) => void | Promise<void>,
): Promise<void> {
  const reader = body.getReader();
  try {
    while (true) {
      const chunk = await Promise.race([reader.read(), late]);
      if (chunk.done) return;
      hold(chunk.value.length);
      await take(chunk.value);
    }
  } catch (error) {
    // Not awaited: the sender may never answer.
    reader.cancel().catch(() => {});
    throw error;
  }
}
