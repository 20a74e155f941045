import assert from "node:assert/strict";
import { linkRequest, readHead } from "../../src/network/http_head.ts";
import {
  DialerHandshake,
  type HandshakeParty,
  type Proven,
} from "../../src/network/sealed/handshake.ts";
import { HandshakeChannel } from "../../src/network/sealed/handshake_channel.ts";
import { EphemeralKeys } from "../../src/network/sealed/key_agreement.ts";
import type { Lane, PeerIdentity } from "../../src/network/port.ts";

/** Fails if `promise` takes longer than anything here may take. */
export async function soon<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`in vain: ${what}`)), 20_000);
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A connection to the Raft port without any of our rules, for attackers. */
export class RawLink {
  readonly #connection: Deno.TcpConn;
  readonly #channel: HandshakeChannel;

  private constructor(connection: Deno.TcpConn, first: Uint8Array) {
    this.#connection = connection;
    this.#channel = new HandshakeChannel(connection, first);
  }

  /** Connects and asks for a link. @throws {Error} if it is not granted. */
  static async open(address: string): Promise<RawLink> {
    const connection = await connectTo(address);
    await connection.write(linkRequest(address));
    const head = await soon("an answer", readHead(connection)).catch(() =>
      null
    );
    if (head === null || !/ 101 /.test(head.line)) {
      connection.close();
      throw new Error(`no link was granted: ${head?.line}`);
    }
    return new RawLink(connection, head.rest);
  }

  /** For those who write bytes of their own. */
  get connection(): Deno.TcpConn {
    return this.#connection;
  }

  /** What arrived and was not taken. */
  get rest(): Uint8Array {
    return this.#channel.rest;
  }

  /** Sends a handshake message. */
  async send(message: Uint8Array): Promise<void> {
    await this.#channel.send(message);
  }

  /** The next handshake message. */
  async next(): Promise<Uint8Array> {
    const message = await soon("a message", this.#channel.receive());
    assert.ok(message !== null, "closed, not answered");
    return message;
  }

  /** Waits until the other side has ended the connection. */
  async cut(): Promise<void> {
    await readToEnd(this.#connection);
  }

  close(): void {
    this.#connection.close();
  }

  /** Waits for the other side to refuse, then leaves. Returns the reason's number. */
  async refusal(): Promise<number> {
    const [type, , reason] = await this.next();
    assert.equal(type, 4, "not a refusal");
    this.close();
    return reason!;
  }
}

/** A plain TCP connection to `address`. */
export function connectTo(address: string): Promise<Deno.TcpConn> {
  const [hostname, port] = address.split(":");
  return Deno.connect({ hostname: hostname!, port: Number(port) });
}

/** Fresh material for one handshake. */
export function partyOf(self: PeerIdentity, secret: string): HandshakeParty {
  return { self, secrets: [secret], keys: EphemeralKeys.generate() };
}

/** Who dials, and as what. */
export interface RawDial {
  readonly self: PeerIdentity;
  readonly secret: string;
  readonly lane: Lane;
  readonly expected: number;
}

/** Dials `address` and proves to be `self`. Returns the hello, too, for those who record. */
export async function dialRaw(
  address: string,
  { self, secret, lane, expected }: RawDial,
): Promise<{ link: RawLink; hello: Uint8Array; proven: Proven }> {
  const link = await RawLink.open(address);
  const handshake = new DialerHandshake(partyOf(self, secret), lane, expected);
  const answer = handshake.receive(await link.next());
  assert.ok(answer.kind === "continue");
  await link.send(answer.reply);
  const proven = handshake.receive(await link.next());
  if (proven.kind === "proven") return { link, hello: answer.reply, proven };
  link.close();
  assert.ok(proven.kind === "refused");
  throw new Error(`refused: ${proven.detail}`);
}

/** Reads until the other side ends the connection, which it must do soon, whatever it says until then; closes it. */
export async function readToEnd(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  const ending = (async () => {
    try {
      while (await connection.read(buffer) !== null);
    } catch (error) {
      if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
  })();
  try {
    await soon("the end", ending);
  } finally {
    connection.close();
    await ending.catch(() => {});
  }
}

/** Hears what passes a relay, and says what is passed on. `from` tells connections apart. */
export type Tap = (
  bytes: Uint8Array,
  side: "dialer" | "acceptor",
  from: Deno.Conn,
) => Uint8Array;

/** A TCP relay between two members that can break connections, or go silent without breaking them. */
export class Relay {
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.Conn>();
  readonly #work: Promise<unknown>[] = [];
  readonly #tap: Tap;
  #silent = false;
  #speak: () => void = () => {};
  #spoken: Promise<void> = Promise.resolve();

  /** Relays to `target` what `tap` makes of it. */
  constructor(target: string, tap: Tap = (bytes) => bytes) {
    this.#tap = tap;
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.address = `127.0.0.1:${this.#listener.addr.port}`;
    this.#work.push(this.#accept(target));
  }

  /** From now on nothing passes. */
  swallow(): void {
    if (this.#silent) return;
    this.#silent = true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#spoken = promise;
    this.#speak = resolve;
  }

  /** Passes everything again, what was held back too. */
  release(): void {
    this.#silent = false;
    this.#speak();
  }

  /** Ends every connection; new ones can be made. */
  break(): void {
    for (const connection of this.#connections) this.#end(connection);
  }

  async close(): Promise<void> {
    this.release();
    this.#listener.close();
    this.break();
    await Promise.all(this.#work);
  }

  async #accept(target: string): Promise<void> {
    const [hostname, port] = target.split(":");
    try {
      for await (const from of this.#listener) {
        const to = await Deno.connect({
          hostname: hostname!,
          port: Number(port),
        }).catch(() => null);
        if (to === null) {
          from.close();
          continue;
        }
        this.#connections.add(from).add(to);
        this.#work.push(
          this.#pipe(from, to, "dialer"),
          this.#pipe(to, from, "acceptor"),
        );
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #pipe(
    from: Deno.Conn,
    to: Deno.Conn,
    side: "dialer" | "acceptor",
  ): Promise<void> {
    const buffer = new Uint8Array(64 << 10);
    try {
      while (true) {
        const count = await from.read(buffer);
        if (this.#silent) await this.#spoken;
        if (count === null) break;
        const bytes = this.#tap(buffer.slice(0, count), side, from);
        for (let at = 0; at < bytes.length;) {
          at += await to.write(bytes.subarray(at));
        }
      }
    } catch {
      // Either side may end a relayed connection at any time.
    }
    this.#end(from);
    this.#end(to);
  }

  #end(connection: Deno.Conn): void {
    if (this.#connections.delete(connection)) connection.close();
  }
}
