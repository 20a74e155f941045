import { HiqliteError } from "../../../errors.ts";
import { ByteWriter } from "../../../util/bytes.ts";
import { startTimer } from "../../../util/timers.ts";
import type { SqlQuery } from "../../sql/port.ts";
import type { RowStream, SqlValue } from "../../sql/types.ts";
import { validateQuery } from "../../sql/validate.ts";
import { closedError } from "../thread/answers.ts";
import { ReaderRequest } from "./query_codec.ts";
import type { RowBounds, RowHost } from "./row_host.ts";
import { SPOOL_BYTES_MAX } from "./spool.ts";
import {
  readPage,
  readSpooled,
  type Spooled,
  writeSpoolRequest,
} from "./spool_codec.ts";

/** Streams at the same time, and of one client that is not the program itself. */
const STREAMS_MAX = 4;
const CLIENT_STREAMS_MAX = 2;
/** How long nobody may ask for the next rows before a stream is ended, ms. */
const IDLE_MS = 300_000;
/** How long one page may take, ms: it is only read from a file. */
const PAGE_MS = 60_000;

const NEXT_PAGE = new ByteWriter(1).u8(ReaderRequest.page).finish();

/** How streams of rows are made. */
export interface RowStreamsOptions {
  /** Starts what keeps the rows of one stream, on the database as it is now. @throws {HiqliteError} `forbidden` */
  start(): RowHost;
  /** @default {300_000} */
  readonly idleMs?: number | undefined;
}

/** Streams of rows: each has a reader of its own, so that none holds up a query. */
export class RowStreams {
  readonly #options: RowStreamsOptions;
  /** Who has a stream, or waits for it to begin. */
  readonly #clients: string[] = [];
  readonly #open = new Set<HostedRows>();
  readonly #closing = new AbortController();

  /** Starts nothing yet. */
  constructor(options: RowStreamsOptions) {
    this.#options = options;
  }

  /** How many are open, or begin. */
  get count(): number {
    return this.#clients.length;
  }

  /**
   * Runs a query and keeps its rows.
   * @throws {HiqliteError} `overloaded` if too many are open, `timeout`, `too_large`, `shutting_down`, or what a query throws.
   */
  async open(query: SqlQuery): Promise<RowStream> {
    this.#closing.signal.throwIfAborted();
    validateQuery(query.sql, query.params);
    const { client = "" } = query;
    this.#admit(client);
    this.#clients.push(client);
    const release = (): void => {
      this.#clients.splice(this.#clients.indexOf(client), 1);
    };
    try {
      return await this.#begin(query, release);
    } catch (error) {
      release();
      throw error;
    }
  }

  /** Ends all streams. */
  async close(): Promise<void> {
    this.#closing.abort(closedError());
    await Promise.all([...this.#open].map((rows) => rows.end()));
  }

  #admit(client: string): void {
    const all = this.#clients.length;
    const own = this.#clients.filter((each) => each === client).length;
    const full = all >= STREAMS_MAX ||
      client !== "" && own >= CLIENT_STREAMS_MAX;
    if (!full) return;
    throw new HiqliteError(
      "overloaded",
      `${all} streams of rows are open on this member, ${own} of them of this client; the limits are ${STREAMS_MAX} and ${CLIENT_STREAMS_MAX}`,
    );
  }

  async #begin(query: SqlQuery, release: () => void): Promise<RowStream> {
    const { idleMs = IDLE_MS } = this.#options;
    const { signal, limits } = query;
    const host = this.#options.start();
    const { signal: closing } = this.#closing;
    const bounds = {
      timeoutMs: limits?.timeoutMs,
      signal: signal === undefined
        ? closing
        : AbortSignal.any([signal, closing]),
    };
    const message = new ByteWriter(256).u8(ReaderRequest.spool);
    writeSpoolRequest(message, {
      statement: query,
      bytesMax: SPOOL_BYTES_MAX,
    });
    try {
      const spooled = readSpooled(await host.ask(message.finish(), bounds));
      bounds.signal.throwIfAborted();
      const rows: HostedRows = new HostedRows(host, spooled, {
        idleMs,
        bounds: { timeoutMs: PAGE_MS, signal: closing },
        ended: () => {
          this.#open.delete(rows);
          release();
        },
      });
      this.#open.add(rows);
      return rows;
    } catch (error) {
      await host.end();
      throw error;
    }
  }
}

interface HostedRowsOptions {
  readonly idleMs: number;
  readonly bounds: RowBounds;
  readonly ended: () => void;
}

/** The rows that a host keeps. Whoever does not ask for them lets go of them in the end. */
class HostedRows implements RowStream {
  readonly #host: RowHost;
  readonly #options: HostedRowsOptions;
  readonly columns: readonly string[];
  readonly count: number;
  readonly index: number;
  #taken = 0;
  #idle: ReturnType<typeof setTimeout> | undefined;
  #why: HiqliteError | null = null;
  #ended: Promise<void> | null = null;

  constructor(host: RowHost, spooled: Spooled, options: HostedRowsOptions) {
    this.#host = host;
    this.#options = options;
    this.columns = spooled.columns;
    this.count = spooled.count;
    this.index = spooled.index;
    this.#wait();
  }

  async next(): Promise<readonly (readonly SqlValue[])[] | null> {
    if (this.#why !== null) throw this.#why;
    if (this.#taken === this.count || this.#ended !== null) {
      await this.end();
      return null;
    }
    clearTimeout(this.#idle);
    try {
      const { bounds } = this.#options;
      const rows = readPage(await this.#host.ask(NEXT_PAGE, bounds));
      this.#taken += rows.length;
      if (this.#ended === null) this.#wait();
      return rows;
    } catch (error) {
      await this.end();
      throw error;
    }
  }

  end(): Promise<void> {
    return this.#ended ??= this.#end();
  }

  async #end(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#host.end();
    this.#options.ended();
  }

  #wait(): void {
    const { idleMs } = this.#options;
    this.#idle = startTimer(() => {
      this.#why = new HiqliteError(
        "timeout",
        `The stream of rows was ended: nobody asked for the next ones for ${idleMs} ms`,
      );
      void this.end();
    }, idleMs);
  }
}
