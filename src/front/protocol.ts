import type { PemPair } from "../tls/authority.ts";
import type { ServerTls } from "../tls/handshakes.ts";

/** Bounds of a front. Times in milliseconds. */
export interface FrontLimits {
  /** Connections in all. @default {1_024} */
  readonly connections: number;
  /** Of them, in a TLS handshake. @default {64} */
  readonly handshakes: number;
  /** Of them, from one address. @default {512} */
  readonly perAddress: number;
  /** How long a TLS handshake may take. @default {5_000} */
  readonly handshakeMs: number;
  /** How long the head of an HTTP request may take. @default {15_000} */
  readonly headMs: number;
}

/** The defaults of {@linkcode FrontLimits}. */
export const FRONT_LIMITS: FrontLimits = {
  connections: 1024,
  handshakes: 64,
  perAddress: 512,
  handshakeMs: 5000,
  headMs: 15_000,
};

/** Where what a front accepts is served: a socket in a folder of this user, or a port of this machine. */
export type InnerAddress =
  | { readonly path: string }
  | { readonly hostname: string; readonly port: number };

/** What a front's Worker is told first. */
export interface FrontOpening {
  readonly kind: "open";
  readonly hostname: string;
  readonly port: number;
  readonly inner: InnerAddress;
  /** Null: what comes is passed on as it is. */
  readonly tls: ServerTls | null;
  readonly limits: FrontLimits;
  /**
   * Tells whoever serves it from where a connection comes, by a header in its first request that begins with this;
   * empty: it does not. What nobody else knows: a client may send such a header, too.
   */
  readonly addressTag: string;
  /** The configuration key of `limits.perAddress`, for messages. */
  readonly perAddressKey: string;
}

/** The header by which a front tells an address: `<tag> <address>`. */
export const ADDRESS_HEADER = "x-hiqlite-from";

/** What a front's Worker is told. */
export type FrontOrder =
  | FrontOpening
  /** From now on, handshakes with this pair. */
  | { readonly kind: "renew"; readonly pair: PemPair }
  /** Ends connections that ask nothing. */
  | { readonly kind: "shed" }
  /** Accepts no more. */
  | { readonly kind: "stop" };

/** Connections of a front, and what became of others. */
export interface FrontCounts {
  readonly open: number;
  /** Refused or ended because of a limit of their number. */
  readonly refused: number;
  /** Ended since a handshake or a head took too long. */
  readonly late: number;
  /** Handshakes that failed. */
  readonly failed: number;
}

/** What a front's Worker tells. */
export type FrontNews =
  | { readonly kind: "open" }
  /** It cannot listen; `name` is the class of the error. */
  | { readonly kind: "failed"; readonly name: string; readonly message: string }
  | { readonly kind: "counts"; readonly counts: FrontCounts }
  /** It was stopped, and the last connection has ended. */
  | { readonly kind: "done" }
  /** There were no descriptors for a connection. */
  | { readonly kind: "scarce"; readonly message: string }
  /** A line for the log. */
  | {
    readonly kind: "said";
    readonly level: "warn" | "debug";
    readonly message: string;
    readonly from: string;
  };
