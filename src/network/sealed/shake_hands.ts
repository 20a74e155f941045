import { MalformedBytesError } from "../../util/bytes.ts";
import {
  type AcceptorHandshake,
  type DialerHandshake,
  type HandshakeRefusal,
  malformed,
  type Proven,
} from "./handshake.ts";
import { HandshakeChannel } from "./handshake_channel.ts";
import { loadSodium, type Sodium } from "./sodium.ts";

/** A peer that has proven itself on a connection. */
export interface ShakenPeer {
  readonly outcome: Proven;
  /** What arrived behind the handshake. */
  readonly rest: Uint8Array;
  /** What seals what is short from now on. */
  readonly sodium: Sodium;
}

/** How a handshake on a connection ended. */
export type Shaken = { readonly outcome: HandshakeRefusal } | ShakenPeer;

type Duplex = Pick<Deno.Conn, "read" | "write">;

/** Shakes hands as the side that was dialed; null if the connection ended meanwhile. @throws what the connection throws. */
export async function shakeAsAcceptor(
  connection: Duplex,
  first: Uint8Array,
  handshake: AcceptorHandshake,
): Promise<Shaken | null> {
  const channel = new HandshakeChannel(connection, first);
  return await refusingLong(channel, async () => {
    await channel.send(handshake.challenge());
    const hello = await channel.receive();
    if (hello === null) return null;
    const outcome = handshake.receive(hello);
    if (outcome.reply !== null) await channel.send(outcome.reply);
    if (outcome.kind === "refused") return { outcome };
    return { outcome, rest: channel.rest, sodium: await loadSodium() };
  });
}

/** Shakes hands as the side that dialed; null if the connection ended meanwhile. @throws what the connection throws. */
export async function shakeAsDialer(
  connection: Duplex,
  first: Uint8Array,
  handshake: DialerHandshake,
): Promise<Shaken | null> {
  const channel = new HandshakeChannel(connection, first);
  return await refusingLong(channel, async () => {
    for (;;) {
      const message = await channel.receive();
      if (message === null) return null;
      const outcome = handshake.receive(message);
      if (outcome.kind === "proven") {
        return { outcome, rest: channel.rest, sodium: await loadSodium() };
      }
      if (outcome.reply !== null) await channel.send(outcome.reply);
      if (outcome.kind === "refused") return { outcome };
    }
  });
}

/** A message that is too long is refused like any other that makes no sense. */
async function refusingLong(
  channel: HandshakeChannel,
  shake: () => Promise<Shaken | null>,
): Promise<Shaken | null> {
  try {
    return await shake();
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    const outcome = malformed(error);
    await channel.send(outcome.reply!);
    return { outcome };
  }
}
