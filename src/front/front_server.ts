import type { PemPair } from "../tls/authority.ts";
import { type Channel, prefixed } from "../tls/channel.ts";
import type { Handshakes } from "../tls/handshakes.ts";
import { expectHello, firstBytes, NoTlsError } from "../tls/hello.ts";
import { isOfTheConnection } from "../util/failed_accept.ts";
import { writeAll } from "../util/write_all.ts";
import { FrontConnection } from "./connection.ts";
import { ConnectionCaps } from "./connection_caps.ts";
import { NoRequestError } from "./first_head.ts";
import type {
  FrontCounts,
  FrontNews,
  FrontOpening,
  InnerAddress,
} from "./protocol.ts";
import { encodeLastAnswer } from "./last_answer.ts";
import { end, throwAway } from "./relay.ts";
import { withAddress } from "./told_address.ts";

/** How often clocks of connections are looked at, and counts are told, ms. */
const SWEEP_MS = 250;
/** How long nothing is accepted after there were no descriptors, ms. */
const PAUSE_MS = 100;
/** What a client reads that speaks no TLS. */
const PLAIN_ANSWER = encodeLastAnswer(
  400,
  "This port speaks TLS: use https:// URLs",
);
/** The least time between two lines of one kind, ms. */
const QUIET_MS = 60_000;

/**
 * Told from which port a front connects for the client with an address, before a first byte is passed on; what it
 * returns is called at the end. A socket has no port: nothing is told.
 */
export type FrontWitness = (port: number, address: string) => () => void;

/** Accepts connections and passes on what is said to whoever serves it. */
export class FrontServer {
  readonly #opening: FrontOpening;
  readonly #tell: (news: FrontNews) => void;
  readonly #handshakes: Handshakes | null;
  readonly #witness: FrontWitness | undefined;
  readonly #listener: Deno.Listener;
  readonly #caps: ConnectionCaps<FrontConnection>;
  readonly #connections = new Set<FrontConnection>();
  readonly #sweeper: ReturnType<typeof setInterval>;
  readonly #said = new Map<string, number>();
  #stopped = false;
  #counts = { refused: 0, late: 0, failed: 0 };
  #told = "";

  /** Listens; `handshakes` are those that `opening.tls` asks for. @throws what `Deno.listen` throws. */
  constructor(
    opening: FrontOpening,
    tell: (news: FrontNews) => void,
    handshakes: Handshakes | null,
    witness?: FrontWitness,
  ) {
    this.#opening = opening;
    this.#tell = tell;
    this.#handshakes = handshakes;
    this.#witness = witness;
    this.#caps = new ConnectionCaps(opening.limits, opening.perAddressKey);
    const { hostname, port } = opening;
    this.#listener = Deno.listen({ hostname, port });
    this.#sweeper = setInterval(() => this.#sweep(), SWEEP_MS);
    void this.#accept();
  }

  /** Where it listens. */
  get port(): number {
    return (this.#listener.addr as Deno.NetAddr).port;
  }

  /** Connections, and what became of others. */
  get counts(): FrontCounts {
    // Who was ended for another one is out, though its end is still to be heard.
    return { open: this.#caps.count, ...this.#counts };
  }

  /** Handshakes from now on use this pair; connections that are open stay. */
  renew(pair: PemPair): void {
    this.#handshakes?.renew(pair);
  }

  /** Ends connections that ask nothing. */
  shed(): void {
    for (const one of this.#connections) {
      if (one.phase !== "busy") one.close();
    }
  }

  /** Accepts no more. What is open stays until one of its sides ends it. */
  stop(): void {
    if (this.#stopped) return;
    this.#stopped = true;
    this.#listener.close();
    this.#tellIfDone();
  }

  /** Accepts no more, and ends every connection. */
  close(): void {
    this.stop();
    for (const one of this.#connections) one.close();
  }

  #tellIfDone(): void {
    if (!this.#stopped || this.#connections.size > 0) return;
    clearInterval(this.#sweeper);
    this.#tell({ kind: "done" });
  }

  async #accept(): Promise<void> {
    while (!this.#stopped) {
      try {
        this.#meet(await this.#listener.accept() as Deno.TcpConn);
      } catch (error) {
        if (this.#stopped) return;
        // Who has gone before he was accepted is no news.
        if (isOfTheConnection(error)) continue;
        this.#tell({ kind: "scarce", message: (error as Error).message });
        this.shed();
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  #meet(conn: Deno.TcpConn): void {
    const accepted = new FrontConnection(
      conn,
      conn.remoteAddr.hostname,
      this.#opening.tls !== null,
    );
    const verdict = this.#caps.enter(accepted);
    if (verdict.kind !== "admitted") {
      this.#counts.refused++;
      const left = verdict.kind === "refused" ? accepted : verdict.of;
      left.close();
      this.#say("limit", "warn", `a limit is reached: ${verdict.limit}`, left);
      if (verdict.kind === "refused") return;
    }
    this.#connections.add(accepted);
    void this.#serve(accepted, conn).finally(() => {
      this.#connections.delete(accepted);
      this.#caps.leave(accepted);
      this.#tellIfDone();
    });
  }

  async #serve(accepted: FrontConnection, conn: Deno.TcpConn): Promise<void> {
    let channel: Channel = conn;
    let inner: Deno.Conn;
    try {
      conn.setNoDelay(true);
      if (this.#handshakes !== null) {
        channel = await this.#shake(accepted, conn, this.#handshakes);
      }
      // Who asks nothing costs one descriptor, not three, and the server no time.
      const head = await accepted.firstHead(channel);
      if (head === null) throw new Error("it ended before it asked anything");
      const { addressTag } = this.#opening;
      const first = withAddress(head, addressTag, accepted.address);
      inner = await connectTo(this.#opening.inner);
      channel = prefixed(first, channel);
    } catch (error) {
      if (error instanceof NoRequestError) await dismiss(channel, error);
      accepted.close();
      this.#say(
        "passing on",
        "debug",
        `not passed on: ${(error as Error).message}`,
        accepted,
      );
      return;
    }
    const { localAddr } = inner;
    const left = localAddr.transport === "tcp"
      ? this.#witness?.(localAddr.port, accepted.address)
      : undefined;
    await accepted.serve(channel, inner);
    left?.();
    end(conn);
  }

  /** Resolves when the handshake is done. */
  async #shake(
    accepted: FrontConnection,
    conn: Channel,
    handshakes: Handshakes,
  ): Promise<Channel> {
    // Who says nothing fails at nothing: probes of TCP do so.
    const hello = await spoken(conn);
    try {
      await expectHello(hello, conn, PLAIN_ANSWER);
      const channel = await handshakes.shake(prefixed(hello, conn));
      accepted.secured();
      return channel;
    } catch (error) {
      // Ended here, for a limit or its time: that was said and counted.
      if (accepted.closed) throw error;
      this.#counts.failed++;
      const { message } = error as Error;
      const kind = error instanceof NoTlsError ? "no tls" : "tls";
      this.#say(kind, "warn", `a TLS handshake failed: ${message}`, accepted);
      throw error;
    }
  }

  #sweep(): void {
    const now = performance.now();
    const { handshakeMs, headMs } = this.#opening.limits;
    for (const one of this.#connections) {
      const [what, ms] = one.phase === "handshake"
        ? ["TLS handshake", handshakeMs]
        : ["head of a request", headMs];
      const limited = one.phase === "handshake" || one.phase === "head";
      if (!limited || now - one.sinceMs < Number(ms)) continue;
      this.#counts.late++;
      one.close();
      this.#say("late", "warn", `no whole ${what} within ${ms} ms`, one);
    }
    const { counts } = this;
    const text = JSON.stringify(counts);
    if (text === this.#told) return;
    this.#told = text;
    this.#tell({ kind: "counts", counts });
  }

  #say(
    kind: string,
    level: "warn" | "debug",
    message: string,
    { address: from }: FrontConnection,
  ): void {
    const now = performance.now();
    if (now - (this.#said.get(kind) ?? -Infinity) < QUIET_MS) return;
    this.#said.set(kind, now);
    this.#tell({ kind: "said", level, message, from });
  }
}

/** The first bytes that a client sends. @throws {Error} if there are none. */
async function spoken(channel: Channel): Promise<Uint8Array> {
  const bytes = await firstBytes(channel);
  if (bytes === null) throw new Error("it ended before it said anything");
  return bytes;
}

/** Says what is wrong with a request, to whoever still listens. */
async function dismiss(
  channel: Channel,
  { status, message }: NoRequestError,
): Promise<void> {
  try {
    await writeAll(channel, encodeLastAnswer(status, message));
    await channel.closeWrite();
    await throwAway(channel);
  } catch {
    // Whoever does not wait for the answer does not get it.
  }
}

async function connectTo(inner: InnerAddress): Promise<Deno.Conn> {
  if ("path" in inner) {
    return await Deno.connect({ transport: "unix", path: inner.path });
  }
  const conn = await Deno.connect(inner);
  conn.setNoDelay(true);
  return conn;
}
