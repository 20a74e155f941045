import { HiqliteError } from "../errors.ts";
import { RequestError } from "./request_error.ts";

/** Limits of request bodies. */
export interface BodyLimits {
  /** Bytes of one body. */
  readonly maxBodyBytes: number;
  /** Bytes of all bodies that are being read or answered. */
  readonly maxBufferedBytes: number;
  /** Longest wait for the whole body, ms. */
  readonly bodyTimeoutMs: number;
}

/** Bodies announced to be this small are read in one piece, bytes. */
const WHOLE_BYTES_MAX = 64 * 1024;

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
    let held = 0;
    const hold = (bytes: number): void => {
      const { maxBodyBytes, maxBufferedBytes } = this.#limits;
      if (held + bytes > maxBodyBytes) {
        throw new HiqliteError(
          "too_large",
          `the body is larger than ${maxBodyBytes} bytes (max_body_bytes)`,
        );
      }
      if (this.#buffered + bytes > maxBufferedBytes) {
        throw new HiqliteError(
          "overloaded",
          `requests under way hold ${this.#buffered} of ${maxBufferedBytes} bytes; try again`,
        );
      }
      held += bytes;
      this.#buffered += bytes;
    };
    try {
      return await use(parseJson(await this.#read(request, hold)));
    } finally {
      this.#buffered -= held;
    }
  }

  async #read(
    request: Request,
    hold: (bytes: number) => void,
  ): Promise<string> {
    if (request.body === null) return "";
    const announced = Number(request.headers.get("content-length") ?? -1);
    if (announced > this.#limits.maxBodyBytes) hold(announced);
    const { bodyTimeoutMs } = this.#limits;
    const late = Promise.withResolvers<never>();
    late.promise.catch(() => {});
    const timer = setTimeout(
      () =>
        late.reject(
          new RequestError(
            408,
            `the body did not arrive within ${bodyTimeoutMs} ms`,
          ),
        ),
      bodyTimeoutMs,
    );
    try {
      if (announced < 0 || announced > WHOLE_BYTES_MAX) {
        return await readChunks(request.body, hold, late.promise);
      }
      hold(announced);
      const whole = await Promise.race([request.bytes(), late.promise]);
      if (whole.length > announced) hold(whole.length - announced);
      return new TextDecoder("utf-8", { fatal: true }).decode(whole);
    } catch (error) {
      if (!(error instanceof TypeError)) throw error;
      throw new HiqliteError("invalid", "the body is not UTF-8 or broke off", {
        cause: error,
      });
    } finally {
      clearTimeout(timer);
    }
  }
}

/** Reads a body piece by piece and stops where `hold` refuses more. */
async function readChunks(
  body: ReadableStream<Uint8Array>,
  hold: (bytes: number) => void,
  late: Promise<never>,
): Promise<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let text = "";
  try {
    while (true) {
      const chunk = await Promise.race([reader.read(), late]);
      if (chunk.done) return text + decoder.decode();
      hold(chunk.value.length);
      text += decoder.decode(chunk.value, { stream: true });
    }
  } catch (error) {
    // Not awaited: the sender may never answer.
    reader.cancel().catch(() => {});
    throw error;
  }
}

/** Digits enough for an integer that a double cannot hold, or an exponent. */
const MAY_LOSE_DIGITS = /\d{16}|\d[eE]/;

/**
 * Parses JSON; integers beyond ±(2^53 - 1) become bigint, never rounded.
 *
 * @throws {HiqliteError} `invalid`
 */
export function parseJson(text: string): unknown {
  try {
    return MAY_LOSE_DIGITS.test(text)
      ? JSON.parse(text, exactNumber)
      : JSON.parse(text);
  } catch (cause) {
    if (cause instanceof HiqliteError) throw cause;
    throw new HiqliteError(
      "invalid",
      text === ""
        ? "the body is empty, expected JSON"
        : `the body is not JSON: ${(cause as Error).message.slice(0, 120)}`,
      { cause },
    );
  }
}

function exactNumber(
  _key: string,
  value: unknown,
  context?: { readonly source?: string },
): unknown {
  if (typeof value !== "number" || context?.source === undefined) return value;
  if (!Number.isFinite(value)) {
    throw new HiqliteError(
      "invalid",
      `the number ${context.source.slice(0, 40)} is beyond what a double holds`,
    );
  }
  const whole = /^-?\d+$/.test(context.source);
  if (!whole || Number.isSafeInteger(value)) return value;
  if (context.source.length > 20) {
    throw new HiqliteError(
      "invalid",
      `the integer ${
        context.source.slice(0, 40)
      } does not fit into 64 bits; write {"$float": "…"} for a number like it`,
    );
  }
  return BigInt(context.source);
}
