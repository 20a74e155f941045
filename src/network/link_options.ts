import type { DialPeer } from "./dialing.ts";
import type { Clock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";
import type { Random } from "../util/random.ts";
import type { Lane, NetworkEvents, PeerAddress, PeerIdentity } from "./port.ts";
import type { Timers } from "../util/timers.ts";

/** Bounds of a link. Times in milliseconds, sizes in bytes. */
export interface LinkLimits {
  /** From the first packet to two proven identities. @default {5_000} */
  readonly handshakeMs: number;
  /** Silence after which something is said. @default {1_000} */
  readonly keepaliveMs: number;
  /** Silence after which a connection counts as dead. @default {3_000} */
  readonly deadMs: number;
  /** The first pause before dialing again; doubles from there. @default {50} */
  readonly backoffMinMs: number;
  /** The longest pause before dialing again. @default {2_000} */
  readonly backoffMaxMs: number;
  /** What may wait in a lane towards one peer. @default {{control: 4 MiB, bulk: 64 MiB}} */
  readonly queueBytes: Readonly<Record<Lane, number>>;
  /** The longest message. @default {48 MiB} */
  readonly messageBytes: number;
  /** The most that one record holds; longer messages take several, so that a slow line still shows progress. @default {256 KiB} */
  readonly recordBytes: number;
}

/** The defaults of {@linkcode LinkLimits}. */
export const LINK_LIMITS: LinkLimits = {
  handshakeMs: 5_000,
  keepaliveMs: 1_000,
  deadMs: 3_000,
  backoffMinMs: 50,
  backoffMaxMs: 2_000,
  queueBytes: { control: 4 << 20, bulk: 64 << 20 },
  messageBytes: 48 << 20,
  recordBytes: 256 << 10,
};

/** What a `PeerLinks` is made from. */
export interface PeerLinksOptions {
  /** What this member proves to others; changes by `setIdentity`. */
  readonly self: PeerIdentity;
  /** The secret that all members share; while it is being changed, the one before it, too. */
  readonly secrets: readonly string[];
  /** The other members; changes by `setPeers`. */
  readonly peers: readonly PeerAddress[];
  readonly events: NetworkEvents;
  /** @default {silentLogger} */
  readonly logger?: Logger;
  /** How to dial. @default {dialTcp} */
  readonly dial?: DialPeer;
  readonly limits?: Partial<LinkLimits>;
  /** @default {systemClock} */
  readonly clock?: Clock;
  /** @default {systemTimers} */
  readonly timers?: Timers;
  /** Spreads reconnects; keys always come from the platform. @default {new SystemRandom()} */
  readonly random?: Random;
}

/** A connection, or an attempt to make one, that is not over. */
export interface OpenConnection {
  /** Settles when it is. */
  readonly gone: Promise<void>;
  /** To be called regularly; `stalled` if that was not possible for a while. */
  tick(now: number, stalled: boolean): void;
  /** Ends it at once. */
  abort(): void;
}

/** What the parts of a `PeerLinks` share. */
export interface LinkContext {
  self: PeerIdentity;
  readonly secrets: readonly string[];
  readonly events: NetworkEvents;
  readonly dial: DialPeer;
  readonly limits: LinkLimits;
  readonly clock: Clock;
  readonly timers: Timers;
  readonly random: Random;
  readonly logger: Logger;
  /** Logs at most one line per key and minute. */
  complain(key: string, level: "warn" | "error", message: string): void;
  /** Everything that is not over yet. */
  readonly connections: Set<OpenConnection>;
}
