import type { PemPair } from "../tls/authority.ts";
import type { Logger } from "../util/logger.ts";
import { listenError, localAddress } from "./listen_error.ts";
import type {
  FrontCounts,
  FrontNews,
  FrontOpening,
  FrontOrder,
} from "./protocol.ts";

/** What a {@linkcode Front} is made from. */
export interface FrontOptions extends Omit<FrontOpening, "kind"> {
  /** The configuration key of the address. */
  readonly key: string;
  readonly logger: Logger;
  /** There was no descriptor for a connection, as the error says. */
  readonly scarce: (error: Error) => void;
}

/** How long a front that failed is not started again, ms. */
const PAUSE_MS = 1000;

/**
 * A port that strangers reach, in a Worker of its own: it bounds what they can
 * hold, speaks TLS, and passes on what they say to a server that only this
 * machine reaches.
 */
export class Front {
  readonly #options: FrontOptions;
  #worker: Worker | null = null;
  #pair: PemPair | null;
  #retry: ReturnType<typeof setTimeout> | undefined;
  readonly #done = Promise.withResolvers<void>();
  #counts: FrontCounts = { open: 0, refused: 0, late: 0, failed: 0 };

  private constructor(options: FrontOptions) {
    this.#options = options;
    this.#pair = options.tls;
  }

  /** Begins to listen. @throws {ConfigError} naming key and address if that is impossible. */
  static async open(options: FrontOptions): Promise<Front> {
    const front = new Front(options);
    try {
      await front.#start();
    } catch (cause) {
      front.close();
      const { key, hostname, port } = options;
      throw listenError(key, localAddress(hostname, port), cause);
    }
    return front;
  }

  /** Connections, and what became of others. */
  get counts(): FrontCounts {
    return this.#counts;
  }

  /** Where this machine reaches it: `http://host:port`, or https. */
  get url(): string {
    const { hostname, port, tls } = this.#options;
    return `${tls === null ? "http" : "https"}://${
      localAddress(hostname, port)
    }`;
  }

  /** Handshakes from now on use this pair; connections that are open stay. */
  renew(pair: PemPair): void {
    this.#pair = pair;
    this.#order({ kind: "renew", pair });
  }

  /** Ends connections that ask nothing. */
  shed(): void {
    this.#order({ kind: "shed" });
  }

  /** Accepts no more. Resolves when what is open was ended by its sides, or by {@linkcode close}. */
  stop(): Promise<void> {
    clearTimeout(this.#retry);
    if (this.#worker === null) this.#done.resolve();
    this.#order({ kind: "stop" });
    return this.#done.promise;
  }

  /** Ends every connection. */
  close(): void {
    this.#end();
    this.#done.resolve();
  }

  #end(): void {
    clearTimeout(this.#retry);
    this.#worker?.terminate();
    this.#worker = null;
  }

  #order(order: FrontOrder): void {
    this.#worker?.postMessage(order);
  }

  #start(): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const worker = new Worker(new URL("./front_worker.ts", import.meta.url), {
      type: "module",
    });
    this.#worker = worker;
    worker.onmessage = ({ data: news }: MessageEvent<FrontNews>) => {
      if (news.kind === "open") resolve();
      else if (news.kind === "failed") {
        const error = new Error(news.message);
        error.name = news.name;
        reject(error);
      } else this.#hear(news);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      reject(new Error(event.message));
      if (this.#worker === worker) this.#startLater(event.message);
    };
    const { key: _key, logger: _logger, scarce: _scarce, ...opening } =
      this.#options;
    const tls = opening.tls === null
      ? null
      : { ...opening.tls, ...this.#pair! };
    this.#order({ kind: "open", ...opening, tls });
    return promise;
  }

  /** A defect of the front must not take the port away for good. */
  #startLater(problem: string): void {
    this.#end();
    this.#options.logger.error("a front failed and is started again", {
      url: this.url,
      problem,
    });
    this.#retry = setTimeout(() => {
      this.#start().catch((error: Error) => this.#startLater(error.message));
    }, PAUSE_MS);
  }

  #hear(news: FrontNews): void {
    const { logger, scarce } = this.#options;
    switch (news.kind) {
      case "counts":
        this.#counts = news.counts;
        break;
      case "done":
        this.#done.resolve();
        break;
      case "scarce":
        scarce(new Error(news.message));
        break;
      case "said":
        logger[news.level](`${this.url}: ${news.message}`, { from: news.from });
        break;
    }
  }
}

/** Never called: by this a compiled program contains the Worker's module. */
export const frontModule = (): Promise<unknown> => import("./front_worker.ts");
