import { createSecureContext, type SecureContext, TLSSocket } from "node:tls";
import type { PemPair } from "./authority.ts";
import type { Channel } from "./channel.ts";
import { ConnectionStream, DuplexChannel } from "./duplex.ts";

/** How a listener speaks TLS. */
export interface ServerTls extends PemPair {
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** For ALPN; empty where no protocol is agreed on. */
  readonly protocols: readonly string[];
}

/** TLS as a listener speaks it, by Node's: loaded by listeners that do, since it takes 8 MB. */
export class Handshakes {
  readonly #tls: ServerTls;
  #context: SecureContext;

  /** With the pair that `tls` has. @throws if it is none. */
  constructor(tls: ServerTls) {
    this.#tls = tls;
    this.#context = this.#contextOf(tls);
  }

  /** From now on with this pair. */
  renew(pair: PemPair): void {
    this.#context = this.#contextOf(pair);
  }

  /** What is said within TLS, once the client has shaken hands. @throws {Error} if it does not. */
  async shake(conn: Channel): Promise<Channel> {
    const secured = Promise.withResolvers<void>();
    const gone = (): void =>
      secured.reject(new Error("it left during the handshake"));
    const below = new ConnectionStream(conn);
    // Heard before TLS makes an error of its own of it. Of a client that leaves
    // in the middle the socket itself never says anything.
    below.once("error", gone);
    below.once("end", gone);
    below.once("close", gone);
    const socket = new TLSSocket(below, {
      isServer: true,
      secureContext: this.#context,
      ALPNProtocols: [...this.#tls.protocols],
    });
    socket.once("secure", secured.resolve);
    socket.on("error", secured.reject);
    socket.once("close", gone);
    try {
      await secured.promise;
    } catch (error) {
      socket.destroy();
      throw error;
    }
    return new DuplexChannel(socket, below);
  }

  #contextOf({ key, chain }: PemPair): SecureContext {
    const { minVersion } = this.#tls;
    return createSecureContext({ key, cert: chain, minVersion });
  }
}
