import type { Context } from "@hono/hono";

/** Bounds of answers on their way. */
export interface DeliveryLimits {
  /** Bytes of all answers that wait to be read. */
  readonly bytes: number;
  /** How long a client may read nothing of its answer, ms. */
  readonly stallMs: number;
}

/** Answers up to this length are handed over whole, characters: the runtime keeps as much for each connection anyway. */
const WHOLE_CHARS_MAX = 64 * 1024;
const CHUNK_BYTES = 64 * 1024;

interface Delivery {
  readonly bytes: Uint8Array;
  sent: number;
  /** When the client took something last, ms. */
  movedMs: number;
  /** Gives the rest up. */
  drop(): void;
}

/**
 * Large answers, handed over as their clients read them. What a client does not
 * read is given up after a while, and sooner if too much waits in all: then the
 * one that has not been read for longest.
 */
export class Deliveries {
  readonly #limits: DeliveryLimits;
  readonly #under = new Set<Delivery>();
  #waiting = 0;

  /** Of one application. */
  constructor(limits: DeliveryLimits) {
    this.#limits = limits;
  }

  /** Bytes that wait to be read. */
  get waiting(): number {
    return this.#waiting;
  }

  /** The response with this text, or these bytes. */
  response(
    context: Context,
    body: string | Uint8Array<ArrayBuffer>,
    status: number,
    type: string,
  ): Response {
    const headers: Record<string, string> = { "content-type": type };
    if (body.length <= WHOLE_CHARS_MAX) {
      return context.body(body, status as 200, headers);
    }
    const bytes = typeof body === "string"
      ? new TextEncoder().encode(body)
      : body;
    headers["content-length"] = `${bytes.length}`;
    return context.body(this.#stream(bytes), status as 200, headers);
  }

  #stream(bytes: Uint8Array): ReadableStream<Uint8Array> {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const delivery: Delivery = {
      bytes,
      sent: 0,
      movedMs: performance.now(),
      drop: () => {},
    };
    const end = (): void => {
      clearTimeout(timer);
      if (!this.#under.delete(delivery)) return;
      this.#waiting -= bytes.length - delivery.sent;
    };
    const watch = (): void => {
      const left = delivery.movedMs + this.#limits.stallMs - performance.now();
      if (left <= 0) return delivery.drop();
      timer = setTimeout(watch, left);
    };
    this.#under.add(delivery);
    this.#waiting += bytes.length;
    this.#makeRoom(delivery);
    watch();
    return new ReadableStream({
      start: (controller) => {
        delivery.drop = () => {
          end();
          // The length was announced: the runtime breaks the connection, and the client sees that the rest is missing.
          controller.close();
        };
      },
      pull: (controller) => {
        const { sent } = delivery;
        const chunk = bytes.subarray(sent, sent + CHUNK_BYTES);
        controller.enqueue(chunk);
        this.#waiting -= chunk.length;
        delivery.sent += chunk.length;
        delivery.movedMs = performance.now();
        if (delivery.sent < bytes.length) return;
        end();
        controller.close();
      },
      cancel: end,
    }, { highWaterMark: 0 });
  }

  #makeRoom(newest: Delivery): void {
    const oldest = [...this.#under].filter((each) => each !== newest)
      .sort((a, b) => a.movedMs - b.movedMs);
    for (const delivery of oldest) {
      if (this.#waiting <= this.#limits.bytes) return;
      delivery.drop();
    }
  }
}
