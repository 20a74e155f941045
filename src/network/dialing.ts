import { parseHostPort } from "../config/address.ts";
import type { Wire } from "./port.ts";

/**
 * Opens a connection to the Raft listener at `host:port`, on which small writes
 * leave at once (no Nagle). Rejects if that fails or the signal is aborted; what
 * the error says ends up in the log.
 */
export type DialPeer = (
  address: string,
  signal: AbortSignal,
) => Promise<Wire>;

/** How long a connection that is not wanted any more may still be made, ms. */
const GRACE_MS = 200;

/** Dials over plain TCP: links are sealed, so they need nothing below them. */
export async function dialTcp(
  address: string,
  signal: AbortSignal,
): Promise<Deno.TcpConn> {
  const target = parseHostPort(address);
  if (target === undefined) throw new Error(`not host:port: ${address}`);
  // The runtime loses a connection that is made in the moment it is cancelled: it
  // stays open for ever. So one that is about to be made is awaited and closed.
  const cancel = new AbortController();
  let grace: ReturnType<typeof setTimeout> | undefined;
  const stop = (): void => {
    grace = setTimeout(() => cancel.abort(), GRACE_MS);
  };
  signal.addEventListener("abort", stop);
  try {
    const connection = await Deno.connect({
      hostname: target.host,
      port: target.port,
      signal: cancel.signal,
    });
    return prepared(connection, signal);
  } finally {
    clearTimeout(grace);
    signal.removeEventListener("abort", stop);
  }
}

function prepared(
  connection: Deno.TcpConn,
  signal: AbortSignal,
): Deno.TcpConn {
  try {
    signal.throwIfAborted();
    connection.setNoDelay(true);
    return connection;
  } catch (error) {
    connection.close();
    throw error;
  }
}
