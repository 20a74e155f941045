import { Delivery } from "./delivery.ts";
import { setTimeout as sleep } from "node:timers/promises";
import { HEAD_BYTES_MAX } from "../../src/network/http_head.ts";
import type { SealedEnd } from "../network/sealed_end.ts";
import { kindOf } from "./link_message_kind.ts";
import { standBetween } from "./middleman.ts";
import type { Disturbance } from "./network.ts";

/** Whose bytes: of the one that opened the connection or of the one that accepted it. */
export type Side = "dialer" | "dialed";

/** Hears each Raft message that the dialed member sends. */
export type Listener = (message: Uint8Array) => void;

const CHUNK_BYTES = 64 * 1024;

/** The secret of the members behind proxies, unless they say otherwise. */
export const RAFT_SECRET = "secret-of-the-test-raft";

/** A keepalive as a parcel; messages have another byte before them. */
const KEEPALIVE = Uint8Array.of(0);
const MESSAGE = 1;

/**
 * A TCP proxy on the loopback interface that can hold back either direction, delay, and
 * break connections. It knows the members' secret, so in what the dialed member
 * sends it can also double Raft messages and let them be overtaken. Other messages
 * (requests, answers, pieces of snapshots) it leaves as they are: TCP delivers them
 * once and in order, and a request that came twice would be carried out twice.
 */
export class TcpProxy implements AsyncDisposable {
  readonly #host: string;
  readonly #target: number;
  readonly #heard: Listener | undefined;
  readonly #secret: string;
  readonly #listener: Deno.TcpListener;
  readonly #accepting: Promise<void>;
  readonly #pairs = new Map<Promise<void>, readonly Deno.TcpConn[]>();
  #closing = false;
  #lostAnswers = 0;
  #gates: { [S in Side]?: PromiseWithResolvers<void> } = {};
  #disturbances: { [S in Side]?: Disturbance } = {};

  /** Listens on `host` and forwards to its port `target`. */
  constructor(
    target: number,
    host = "127.0.0.1",
    heard?: Listener,
    secret = RAFT_SECRET,
  ) {
    this.#secret = secret;
    this.#host = host;
    this.#target = target;
    this.#heard = heard;
    this.#listener = Deno.listen({ hostname: host, port: 0 });
    this.#accepting = this.#accept();
  }

  /** Answers that did not arrive because their connection was broken. */
  get lostAnswers(): number {
    return this.#lostAnswers;
  }

  /** Where to dial instead of the target. */
  get port(): number {
    return this.#listener.addr.port;
  }

  /** Delivers nothing of this side any more, also on connections that are opened meanwhile. */
  hold(side: Side): void {
    this.#gates[side] ??= Promise.withResolvers();
  }

  /** Does this, too, to everything of this side from now on. */
  disturb(side: Side, disturbance: Disturbance): void {
    this.#disturbances[side] = {
      ...this.#disturbances[side],
      ...disturbance,
    };
  }

  /** Delivers everything again. */
  heal(): void {
    this.#disturbances = {};
    for (const gate of Object.values(this.#gates)) gate.resolve();
    this.#gates = {};
  }

  /** Breaks everything and stops listening. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing = true;
    this.#listener.close();
    this.heal();
    for (const ends of this.#pairs.values()) ends.forEach(close);
    await this.#accepting;
    await Promise.all(this.#pairs.keys());
  }

  async #accept(): Promise<void> {
    try {
      for await (const dialer of this.#listener) await this.#connect(dialer);
    } catch (error) {
      if (!this.#closing) throw error;
    }
  }

  async #connect(dialer: Deno.TcpConn): Promise<void> {
    let dialed: Deno.TcpConn;
    try {
      dialed = await Deno.connect({
        hostname: this.#host,
        port: this.#target,
      });
    } catch {
      // The member is down: its peer learns it as from the member itself.
      close(dialer);
      return;
    }
    const ends = [dialer, dialed];
    ends.forEach((end) => end.setNoDelay());
    const pair = this.#join(dialer, dialed).catch(() => {
      // A broken connection ends here like one that was closed.
    }).then(() => {
      ends.forEach(close);
      this.#pairs.delete(pair);
    });
    this.#pairs.set(pair, ends);
    if (this.#closing) ends.forEach(close);
  }

  /** Until the connection ends; a link is opened, anything else goes through as bytes. */
  async #join(dialer: Deno.TcpConn, dialed: Deno.TcpConn): Promise<void> {
    const first = new Uint8Array(HEAD_BYTES_MAX);
    const length = await dialer.read(first);
    if (length === null) return;
    const begun = first.subarray(0, length);
    if (!isLinkRequest(begun)) {
      return await this.#both(
        this.#pumpBytes("dialer", dialer, dialed, begun),
        this.#pumpBytes("dialed", dialed, dialer),
      );
    }
    const tapped = await standBetween(
      dialer,
      dialed,
      this.#secret,
      (side) => this.#pass(side),
    );
    if (tapped === null) return;
    await this.#both(
      this.#pumpLink("dialer", tapped.dialer, tapped.dialed),
      this.#pumpLink("dialed", tapped.dialed, tapped.dialer),
    );
  }

  async #both(...pumps: readonly Promise<void>[]): Promise<void> {
    await Promise.all(pumps);
  }

  /** Delays a part of a handshake like what comes after it. */
  async #pass(side: Side): Promise<void> {
    const { latencyMs = 0, jitterMs = 0, breakPercent = 0 } =
      this.#disturbances[side] ?? {};
    if (happens(breakPercent)) throw new Error("the connection breaks");
    await sleep(latencyMs + Math.random() * jitterMs);
    await this.#gates[side]?.promise;
  }

  async #pumpBytes(
    side: Side,
    from: Deno.TcpConn,
    to: Deno.TcpConn,
    first = new Uint8Array(),
  ): Promise<void> {
    const buffer = new Uint8Array(CHUNK_BYTES);
    await this.#pump(side, from, to, to, async (forward) => {
      if (first.length > 0) forward(first);
      const length = await from.read(buffer);
      first = new Uint8Array();
      if (length === null) return false;
      forward(buffer.slice(0, length));
      return true;
    });
  }

  /** Takes a link's records apart on one side and seals what is left of them on the other. */
  async #pumpLink(side: Side, from: SealedEnd, to: SealedEnd): Promise<void> {
    const write = async (parcel: Uint8Array): Promise<number> => {
      if (parcel[0] === MESSAGE) await to.send(parcel.subarray(1));
      else await to.sendRecord(new Uint8Array());
      return parcel.length;
    };
    await this.#pump(
      side,
      from.connection,
      to.connection,
      { write },
      async (forward) => {
        const record = await from.next();
        if (record === null) return false;
        if (record.contents.length === 0) forward(KEEPALIVE);
        for (const message of record.messages) {
          const kind = kindOf(message);
          if (side === "dialed") this.#hear(kind, message);
          forward(parcelOf(message), side === "dialed" && kind === "raft");
        }
        return true;
      },
    );
  }

  /** @throws {Error} if the answer gets lost, and the connection with it. */
  #hear(kind: ReturnType<typeof kindOf>, message: Uint8Array): void {
    if (kind === "raft") this.#heard?.(message);
    const { lostAnswersPercent = 0 } = this.#disturbances.dialed ?? {};
    if (kind !== "answer" || !happens(lostAnswersPercent)) return;
    this.#lostAnswers++;
    throw new Error("the connection breaks");
  }

  /** Forwards what `next` reads, until it says that there is no more. */
  async #pump(
    side: Side,
    from: Deno.Conn,
    to: Deno.Conn,
    target: Pick<Deno.Conn, "write">,
    next: (
      forward: (bytes: Uint8Array, raft?: boolean) => void,
    ) => Promise<boolean>,
  ): Promise<void> {
    const delivery = new Delivery(
      target,
      () => this.#gates[side]?.promise,
      () => close(from),
    );
    const forward = (bytes: Uint8Array, raft = false): void => {
      if (happens(this.#disturbances[side]?.breakPercent ?? 0)) {
        throw new Error("the connection breaks");
      }
      this.#forward(side, delivery, bytes, raft);
    };
    try {
      do await delivery.room(); while (await next(forward));
      await delivery.drained();
    } catch {
      // A broken connection ends here like one that was closed.
    }
    delivery.stop();
    close(from);
    close(to);
  }

  #forward(
    side: Side,
    delivery: Delivery,
    bytes: Uint8Array,
    raft = false,
  ): void {
    const {
      latencyMs = 0,
      jitterMs = 0,
      duplicatePercent = 0,
      reorderPercent = 0,
      astrayMs = 0,
    } = this.#disturbances[side] ?? {};
    const ms = latencyMs + Math.random() * jitterMs;
    const astray = (): void =>
      delivery.sendAstray(bytes, ms, Math.random() * astrayMs);
    if (raft && happens(reorderPercent)) astray();
    else delivery.send(bytes, ms);
    if (raft && happens(duplicatePercent)) astray();
  }
}

function happens(percent: number): boolean {
  return Math.random() * 100 < percent;
}

/** Whether this is the beginning of a request for a link, which members send whole. */
function isLinkRequest(bytes: Uint8Array): boolean {
  const text = new TextDecoder("latin1").decode(bytes);
  return /^GET [^]*\r\nUpgrade: hiqlite-link\r\n(?:[^]*\r\n)?\r\n$/.test(text);
}

function parcelOf(message: Uint8Array): Uint8Array {
  const parcel = new Uint8Array(1 + message.length);
  parcel[0] = MESSAGE;
  parcel.set(message, 1);
  return parcel;
}

function close(end: Deno.Conn): void {
  try {
    end.close();
  } catch {
    // Closed by the other direction.
  }
}
