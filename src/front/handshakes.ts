import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { PemPair } from "../tls/authority.ts";
import type { Channel } from "../tls/channel.ts";
import { DuplexChannel, duplexOf } from "../tls/duplex.ts";
import type { FrontTls } from "./protocol.ts";

/** TLS as a front speaks it, by Node's: loaded by fronts that do, since it takes 8 MB. */
export class Handshakes {
  readonly #tls: FrontTls;
  #context: SecureContext;

  /** With the pair that `tls` has. @throws if it is none. */
  constructor(tls: FrontTls) {
    this.#tls = tls;
    this.#context = this.#contextOf(tls);
  }

  /** From now on with this pair. */
  renew(pair: PemPair): void {
    this.#context = this.#contextOf(pair);
  }

  /** What is said within TLS, once the client has shaken hands. @throws {Error} if it does not. */
  async shake(conn: Channel): Promise<Channel> {
    const socket = new TLSSocket(duplexOf(conn), {
      isServer: true,
      secureContext: this.#context,
      ALPNProtocols: [...this.#tls.protocols],
    });
    const secured = Promise.withResolvers<void>();
    socket.once("secure", secured.resolve);
    socket.once("close", () => secured.reject(new Error("it was closed")));
    socket.on("error", secured.reject);
    await secured.promise;
    return new DuplexChannel(socket);
  }

  #contextOf({ key, chain }: PemPair): SecureContext {
    const { minVersion } = this.#tls;
    return createSecureContext({ key, cert: chain, minVersion });
  }
}
