import assert from "node:assert/strict";
import {
  DialerHandshake,
  type HandshakeParty,
  NONCE_BYTES,
} from "../../src/network/handshake.ts";
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

/** A WebSocket without any of our rules, for attackers. */
export class RawSocket {
  readonly #socket: WebSocket;
  readonly #inbox: Uint8Array[] = [];
  readonly #gone: Promise<void>;
  #wake: () => void = () => {};

  private constructor(socket: WebSocket, gone: Promise<void>) {
    this.#socket = socket;
    this.#gone = gone;
    socket.onmessage = (event) => {
      if (event.data instanceof ArrayBuffer) {
        this.#inbox.push(new Uint8Array(event.data));
      }
      this.#wake();
    };
  }

  /** Connects to the link route of `address`. */
  static async open(address: string): Promise<RawSocket> {
    const socket = new WebSocket(`ws://${address}/stream`);
    socket.binaryType = "arraybuffer";
    const gone = Promise.withResolvers<void>();
    socket.onclose = () => gone.resolve();
    const opened = Promise.withResolvers<void>();
    socket.onopen = () => opened.resolve();
    socket.onerror = () => opened.reject(new Error(`cannot open ${address}`));
    const raw = new RawSocket(socket, gone.promise);
    await opened.promise;
    return raw;
  }

  send(data: Uint8Array | string): void {
    this.#socket.send(data as string | Uint8Array<ArrayBuffer>);
  }

  /** The next binary message. */
  async next(): Promise<Uint8Array> {
    while (this.#inbox.length === 0) {
      const message = new Promise<void>((resolve) => this.#wake = resolve);
      const lost = this.#gone.then(() => assert.fail("closed, not answered"));
      await Promise.race([message, lost]);
    }
    return this.#inbox.shift()!;
  }

  /** Waits until the other side has cut the connection. */
  async cut(): Promise<void> {
    await soon("the other side cuts the connection", this.#gone);
  }

  async close(): Promise<void> {
    this.#socket.close();
    await this.#gone;
  }

  /** Waits for the other side to refuse, then leaves. Returns the reason's number. */
  async refusal(): Promise<number> {
    const [type, , reason] = await this.next();
    assert.equal(type, 4, "not a refusal");
    await this.close();
    return reason!;
  }
}

/** Fresh material for one handshake. */
export function partyOf(self: PeerIdentity, secret: string): HandshakeParty {
  const nonce = crypto.getRandomValues(new Uint8Array(NONCE_BYTES));
  return { self, secret, nonce };
}

/** Dials `address` and proves to be `self`. Returns the hello, too, for those who record. */
export async function dialRaw(
  address: string,
  options: { self: PeerIdentity; secret: string; lane: Lane; expected: number },
): Promise<{ socket: RawSocket; hello: Uint8Array }> {
  const socket = await RawSocket.open(address);
  const { self, secret, lane, expected } = options;
  const party = partyOf(self, secret);
  const handshake = new DialerHandshake(party, lane, expected);
  const answer = handshake.receive(await socket.next());
  assert.ok(answer.kind === "continue");
  socket.send(answer.reply);
  const outcome = handshake.receive(await socket.next());
  assert.equal(outcome.kind, "proven");
  return { socket, hello: answer.reply };
}

/** A plain TCP connection that has upgraded to WebSocket by hand. */
export async function upgradeByHand(address: string): Promise<Deno.TcpConn> {
  const [hostname, port] = address.split(":");
  const connection = await Deno.connect({
    hostname: hostname!,
    port: Number(port),
  });
  const request = [
    "GET /stream HTTP/1.1",
    `Host: ${address}`,
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${btoa("0123456789abcdef")}`,
    "\r\n",
  ];
  await connection.write(new TextEncoder().encode(request.join("\r\n")));
  const answer = new Uint8Array(2048);
  const count = await connection.read(answer);
  assert.match(new TextDecoder().decode(answer.subarray(0, count!)), / 101 /);
  return connection;
}

/** Reads until the other side ends the connection; closes it. */
export async function readToEnd(connection: Deno.Conn): Promise<void> {
  const buffer = new Uint8Array(4096);
  try {
    while (await soon("the end", connection.read(buffer)) !== null);
  } catch (error) {
    if (!(error instanceof Deno.errors.ConnectionReset)) throw error;
  } finally {
    connection.close();
  }
}

/** A TCP relay between two members that can break connections, or go silent without breaking them. */
export class Relay {
  readonly address: string;
  readonly #listener: Deno.TcpListener;
  readonly #connections = new Set<Deno.Conn>();
  readonly #work: Promise<unknown>[] = [];
  #silent = false;
  #speak: () => void = () => {};
  #spoken: Promise<void> = Promise.resolve();

  /** Relays to `target`. */
  constructor(target: string) {
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
        this.#work.push(this.#pipe(from, to), this.#pipe(to, from));
      }
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource)) throw error;
    }
  }

  async #pipe(from: Deno.Conn, to: Deno.Conn): Promise<void> {
    const buffer = new Uint8Array(64 << 10);
    try {
      while (true) {
        const count = await from.read(buffer);
        if (this.#silent) await this.#spoken;
        if (count === null) break;
        for (let at = 0; at < count;) {
          at += await to.write(buffer.subarray(at, count));
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
