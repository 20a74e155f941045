import type { PemPair } from "../../tls/authority.ts";
import { type Channel, prefixed } from "../../tls/channel.ts";
import type { Handshakes } from "../../tls/handshakes.ts";
import { expectHello, firstBytes, NoTlsError } from "../../tls/hello.ts";
import {
  HandshakeTurns,
  TURN_LIMITS,
  type TurnLimits,
} from "./handshake_turns.ts";

/** What a peer reads that speaks no TLS: an alert, "protocol version". */
const TLS_ALERT = Uint8Array.of(21, 3, 3, 0, 2, 2, 70);

/** A handshake that was begun, and failed. */
export class TlsFailure extends Error {
  override readonly name = "TlsFailure";

  /** `cause` says why. */
  constructor(cause: Error) {
    super(`a TLS handshake failed: ${cause.message}`, { cause });
  }

  /** Whether it was not even TLS. */
  get plain(): boolean {
    return this.cause instanceof NoTlsError;
  }
}

/**
 * TLS before a connection to the Raft port says anything else, on the member's
 * thread: a message of a link costs a fourth there of what it does through
 * another one. A handshake takes about a millisecond, so strangers take turns.
 */
export class TlsEntrance {
  readonly #handshakes: Handshakes;
  readonly #turns: HandshakeTurns;

  /** Shakes hands by `handshakes`. */
  constructor(handshakes: Handshakes, limits: TurnLimits = TURN_LIMITS) {
    this.#handshakes = handshakes;
    this.#turns = new HandshakeTurns(limits);
  }

  /** Handshakes from now on use this pair; connections that are open stay. */
  renew(pair: PemPair): void {
    this.#handshakes.renew(pair);
  }

  /**
   * What is said within TLS; null if nothing was said, or it is not `wanted` any more.
   * @throws {TlsFailure}
   * @throws what `conn.read` throws.
   */
  async pass(conn: Channel, wanted: () => boolean): Promise<Channel | null> {
    // Who says nothing takes no turn.
    const hello = await firstBytes(conn);
    if (hello === null) return null;
    try {
      await expectHello(hello, conn, TLS_ALERT);
      if (!await this.#turns.next(wanted)) return null;
      return await this.#handshakes.shake(prefixed(hello, conn));
    } catch (error) {
      if (!wanted()) return null;
      throw new TlsFailure(error as Error);
    }
  }

  /** Nobody who waits for a turn has one. */
  close(): void {
    this.#turns.close();
  }
}
