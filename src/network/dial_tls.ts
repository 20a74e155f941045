import { connect as tlsConnect } from "node:tls";
import { once } from "node:events";
import { parseHostPort } from "../config/address.ts";
import { ConnectionStream, DuplexChannel } from "../tls/duplex.ts";
import { type DialPeer, dialTcp } from "./dialing.ts";
import type { Wire } from "./port.ts";

/** How peers are verified when they are dialed over TLS. */
export interface PeerTrust {
  /** The name that a peer's certificate must have; null: the host that is dialed. */
  readonly name: string | null;
  /** Authorities in PEM that are trusted beside the public ones; asked before each handshake. Null: nobody is verified. */
  readonly authorities: (() => readonly string[]) | null;
}

/** Dials over TLS. */
export function dialTls({ name, authorities }: PeerTrust): DialPeer {
  return async (address, signal) => {
    const hostname = name ?? parseHostPort(address)?.host ?? address;
    const plain = await dialTcp(address, signal);
    const cut = (): void => close(plain);
    signal.addEventListener("abort", cut);
    try {
      const wire = authorities === null
        ? await unverified(plain, hostname)
        : await verified(plain, hostname, authorities());
      signal.throwIfAborted();
      return wire;
    } catch (error) {
      close(plain);
      signal.throwIfAborted();
      throw new Error(`no TLS with it: ${reasonOf(error as Error)}`, {
        cause: error,
      });
    } finally {
      signal.removeEventListener("abort", cut);
    }
  };
}

async function verified(
  plain: Deno.TcpConn,
  hostname: string,
  authorities: readonly string[],
): Promise<Wire> {
  const caCerts = [...authorities];
  const conn = await Deno.startTls(plain, { hostname, caCerts });
  try {
    await conn.handshake();
    return endingSilently(conn);
  } catch (error) {
    close(conn);
    throw error;
  }
}

/** Where records end, their seals say: a peer that goes without a word of TLS has just gone. */
function endingSilently(conn: Deno.TlsConn): Wire {
  return {
    read: (into) =>
      conn.read(into).catch((error) => {
        if (error instanceof Deno.errors.UnexpectedEof) return null;
        throw error;
      }),
    write: (bytes) => conn.write(bytes),
    close: () => conn.close(),
  };
}

/** By Node's sockets: the runtime's own verify, or the whole process does not. */
async function unverified(
  plain: Deno.TcpConn,
  servername: string,
): Promise<Wire> {
  const below = new ConnectionStream(plain);
  const socket = tlsConnect({
    socket: below,
    servername,
    rejectUnauthorized: false,
    minVersion: "TLSv1.3",
  });
  await once(socket, "secureConnect");
  return new DuplexChannel(socket, below);
}

function reasonOf({ message }: Error): string {
  if (/InvalidContentType|eof|closed|reset|wrong version/i.test(message)) {
    return `${message}. Perhaps it does not speak TLS: set the same tls_raft_* keys on every member`;
  }
  if (/UnknownIssuer|BadSignature/.test(message)) {
    return `${message}: its certificate is of another authority; look at tls_raft_ca, or whether secret_raft is the same`;
  }
  return message;
}

function close(wire: Wire): void {
  try {
    wire.close();
  } catch {
    // Closed already.
  }
}
