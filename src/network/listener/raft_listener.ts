import { MalformedBytesError } from "../../util/bytes.ts";
import type { Logger } from "../../util/logger.ts";
import {
  encodePlainAnswer,
  type HttpHead,
  LINK_GRANTED,
  LINK_PATH,
  LINK_UPGRADE,
  type PlainAnswer,
  readHead,
  UnexpectedTlsError,
} from "../http_head.ts";
import type { LinkAcceptor } from "../port.ts";
import { isOfTheConnection } from "../../util/failed_accept.ts";
import { shortageText } from "../../util/shortage.ts";
import { writeAll } from "../../util/write_all.ts";
import {
  Admission,
  ADMISSION_LIMITS,
  type AdmissionLimits,
} from "./admission.ts";
import { Stranger } from "./stranger.ts";
import { type TlsEntrance, TlsFailure } from "./tls_entrance.ts";

/** Where to listen. */
export interface ListenAt {
  readonly hostname: string;
  readonly port: number;
}

/** Connections, and what became of others. */
export interface RaftListenerCounts {
  /** That are open now. */
  readonly open: number;
  /** Refused or ended because of a limit of their number. */
  readonly refused: number;
  /** Ended since they proved nothing in time. */
  readonly late: number;
  /** TLS handshakes that failed. */
  readonly failed: number;
}

/** Bounds of the listener. */
export interface RaftListenerLimits extends AdmissionLimits {
  /** From a connection to its answer or to a proven peer, in all, ms. @default {5_000} */
  readonly strangerMs: number;
}

/** What a {@linkcode RaftListener} is made from. */
export interface RaftListenerOptions {
  readonly at: ListenAt;
  /** Speaks TLS with whoever comes. @default {null} nobody does */
  readonly tls?: TlsEntrance | null;
  readonly logger: Logger;
  /** Takes connections that asked for a link. */
  readonly links: LinkAcceptor;
  /** The answer to a plain `GET`, if there is one at that path. */
  readonly answer: (path: string) => PlainAnswer | null;
  /** Descriptors ran out; another attempt is made in a second. */
  readonly failed: () => void;
  /** Whether there are descriptors enough to accept connections again. */
  readonly mayOpen: () => boolean;
  readonly limits?: Partial<RaftListenerLimits>;
}

/** How long nothing is accepted after a failure, ms. */
const PAUSE_MS = 1_000;
/** The least time between two lines of one kind, ms. */
const QUIET_MS = 60_000;
/** What is still read, and thrown away, from one who was answered, bytes: unread bytes would take the answer with them. */
const LEFTOVER_BYTES_MAX = 64 * 1024;

/** What is wrong with a request, as the answer to it. */
class RefusedRequest extends Error {
  /** Answered with `status` and the message. */
  constructor(readonly status: number, message: string) {
    super(message);
  }
}

/** Why a connection was refused. */
type Refusal =
  | "gone"
  | "late"
  | "limit"
  | "request"
  /** TLS on a port that speaks none. */
  | "tls"
  /** No TLS on a port that speaks it. */
  | "no tls"
  | "handshake";

/**
 * The port for other members. A connection begins with a head of HTTP of a few
 * KiB: a short answer for probes, or the upgrade to a link. Whatever a stranger
 * sends, it holds a few KiB for a few seconds, and no more than a few of them do.
 */
export class RaftListener {
  readonly #options: RaftListenerOptions;
  readonly #limits: RaftListenerLimits;
  readonly #listener: Deno.TcpListener;
  readonly #admission: Admission<Stranger>;
  readonly #strangers = new Set<Stranger>();
  readonly #work = new Set<Promise<void>>();
  readonly #said = new Map<string, number>();
  #wake: () => void = () => {};
  #closed = false;
  readonly #refused = new Map<Refusal, number>();

  /** Begins to listen. @throws what `Deno.listen` throws. */
  constructor(options: RaftListenerOptions) {
    this.#options = options;
    this.#limits = {
      ...ADMISSION_LIMITS,
      strangerMs: 5_000,
      ...options.limits,
    };
    this.#admission = new Admission(this.#limits);
    this.#listener = Deno.listen(options.at);
    this.#track(this.#accept());
  }

  /** Where it listens. */
  get address(): ListenAt {
    return this.#listener.addr;
  }

  /** Connections, and what became of others. */
  get counts(): RaftListenerCounts {
    const of = (kind: Refusal): number => this.#refused.get(kind) ?? 0;
    return {
      open: this.#admission.connections,
      refused: of("limit"),
      late: of("late"),
      failed: of("handshake") + of("no tls"),
    };
  }

  /** Accepts no more and ends who has not become a link. Links end with their owner. */
  async shutdown(): Promise<void> {
    this.#closed = true;
    this.#listener.close();
    this.#options.tls?.close();
    this.#wake();
    for (const stranger of this.#strangers) stranger.close();
    await Promise.all(this.#work);
  }

  #track(work: Promise<void>): void {
    const tracked = work.finally(() => this.#work.delete(tracked));
    this.#work.add(tracked);
  }

  async #accept(): Promise<void> {
    while (!this.#closed) {
      try {
        const connection = await this.#listener.accept();
        if (this.#closed) return connection.close();
        this.#meet(connection);
      } catch (error) {
        if (this.#closed) return;
        if (isOfTheConnection(error)) {
          this.#refuse("gone", "it had gone before it was accepted");
          continue;
        }
        this.#say("shortage", "error", shortageText(error as Error));
        this.#options.failed();
        do await this.#pause(); while (
          !this.#closed && !this.#options.mayOpen()
        );
      }
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, PAUSE_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #meet(connection: Deno.TcpConn): void {
    const { strangerMs } = this.#limits;
    const stranger = new Stranger(connection, strangerMs, () => {
      const why = `it proved nothing within ${strangerMs} ms`;
      this.#refuse("late", why, stranger.address);
    });
    const verdict = this.#admission.enter(stranger, stranger.address);
    if (verdict.kind === "refused") {
      stranger.close();
      return this.#refuse("limit", verdict.limit, stranger.address);
    }
    if (verdict.instead !== null) {
      verdict.instead.close();
      this.#refuse("limit", verdict.limit, verdict.instead.address);
    }
    this.#strangers.add(stranger);
    this.#track(this.#serve(stranger));
  }

  /** Reads the head; a link is its owner's from then on. */
  async #serve(stranger: Stranger): Promise<void> {
    try {
      stranger.connection.setNoDelay(true);
      const head = await this.#headOf(stranger);
      if (head === null) return this.#end(stranger);
      const answer = this.#judge(head);
      if (answer !== null) return await this.#dismiss(stranger, answer);
      await writeAll(stranger.channel, LINK_GRANTED);
      this.#handOver(stranger, head.rest);
    } catch (error) {
      await this.#turnAway(stranger, error as Error);
    }
  }

  /** Null if it ended before it said anything. */
  async #headOf(stranger: Stranger): Promise<HttpHead | null> {
    const { tls = null } = this.#options;
    if (tls !== null) {
      const { connection } = stranger;
      const within = await tls.pass(connection, () => !stranger.closed);
      if (within === null) return null;
      stranger.channel = within;
    }
    return await readHead(stranger.channel);
  }

  /** Null for a link. @throws {RefusedRequest} */
  #judge({ line, headers }: HttpHead): PlainAnswer | null {
    const [, path] = /^GET (\/[^\s?]*)(?:\?\S*)? HTTP\/1\.[01]$/.exec(line) ??
      [];
    if (headers.has("origin")) {
      throw new RefusedRequest(403, "this port is not for web pages");
    }
    if (path === undefined) {
      throw new RefusedRequest(400, "this port is for members of the cluster");
    }
    const upgrade = headers.get("upgrade")?.toLowerCase();
    if (path === LINK_PATH && upgrade === LINK_UPGRADE) return null;
    const answer = upgrade === undefined ? this.#options.answer(path) : null;
    if (answer !== null) return answer;
    throw new RefusedRequest(
      400,
      upgrade === "websocket"
        ? `this member speaks ${LINK_UPGRADE}, not WebSocket: run the same release on every member`
        : `this port is for members of the cluster (Upgrade: ${LINK_UPGRADE})`,
    );
  }

  #handOver(stranger: Stranger, rest: Uint8Array): void {
    this.#strangers.delete(stranger);
    const { channel, address } = stranger;
    this.#options.links.accept({
      connection: channel,
      from: address,
      rest,
      proven: () => {
        stranger.stopClock();
        this.#admission.prove(stranger);
      },
      gone: () => this.#end(stranger),
    });
  }

  async #turnAway(stranger: Stranger, error: Error): Promise<void> {
    if (error instanceof UnexpectedTlsError) {
      this.#refuse(
        "tls",
        "it speaks TLS and this member does not: set the same tls_raft_* keys on every member",
        stranger.address,
      );
      return this.#end(stranger);
    }
    if (error instanceof TlsFailure) {
      const kind = error.plain ? "no tls" : "handshake";
      this.#refuse(kind, error.message, stranger.address);
      return this.#end(stranger);
    }
    const status = error instanceof RefusedRequest
      ? error.status
      : error instanceof MalformedBytesError
      ? 400
      : null;
    if (status === null) {
      // Whoever breaks the connection off is no news; anything else is a defect.
      if (!isBroken(error)) {
        this.#options.logger.error("a request to the Raft port failed", {
          error: String(error),
        });
      }
      return this.#end(stranger);
    }
    this.#refuse("request", error.message, stranger.address);
    const body = `${error.message}\n`;
    await this.#dismiss(stranger, { status, type: "text/plain", body });
  }

  /** Answers, then waits for the other side to close, within the time that strangers have. */
  async #dismiss(stranger: Stranger, answer: PlainAnswer): Promise<void> {
    const { channel } = stranger;
    stranger.answered = true;
    try {
      await writeAll(channel, encodePlainAnswer(answer));
      await channel.closeWrite();
      const buffer = new Uint8Array(4096);
      for (let read = 0; read < LEFTOVER_BYTES_MAX;) {
        const count = await channel.read(buffer);
        if (count === null) break;
        read += count;
      }
    } catch {
      // Whoever does not wait for the answer does not get it.
    }
    this.#end(stranger);
  }

  #end(stranger: Stranger): void {
    stranger.close();
    this.#strangers.delete(stranger);
    this.#admission.leave(stranger);
  }

  #refuse(kind: Refusal, why: string, from: string | null = null): void {
    this.#refused.set(kind, (this.#refused.get(kind) ?? 0) + 1);
    const total = this.#refused.values().reduce((sum, own) => sum + own, 0);
    this.#options.links.refused();
    this.#say(
      kind,
      "warn",
      `refused a connection to the Raft port${
        from === null ? "" : ` from ${from}`
      } (${total} so far): ${why}`,
    );
  }

  #say(kind: string, level: "warn" | "error", message: string): void {
    const now = performance.now();
    if (now - (this.#said.get(kind) ?? -Infinity) < QUIET_MS) return;
    this.#said.set(kind, now);
    this.#options.logger[level](message);
  }
}

/** Whether this is an error of a connection: of the system, or because it was closed here. */
function isBroken(error: Error & { readonly code?: string }): boolean {
  return error.code !== undefined || error instanceof Deno.errors.BadResource ||
    error instanceof Deno.errors.Interrupted;
}
