import { networkOf } from "../util/network_of.ts";
import type { FrontLimits } from "./protocol.ts";
import type { HttpPhase } from "./request_head.ts";

/** A connection as the caps see it. */
export interface Guest {
  /** The client's address. */
  readonly address: string;
  readonly phase: "handshake" | HttpPhase;
  /** When anything last moved, ms. */
  readonly lastMs: number;
}

/** What becomes of a new connection. */
export type Admittance<G> =
  | { readonly kind: "admitted" }
  /** It is, and another one has to go. */
  | { readonly kind: "instead"; readonly of: G; readonly limit: string }
  | { readonly kind: "refused"; readonly limit: string };

interface Reached<G> {
  readonly limit: string;
  readonly crowd: Iterable<G>;
  mayGo(guest: Guest): boolean;
}

/**
 * Who may come in. When a limit is reached, whoever has the most connections
 * gives one up, the one that has been still for longest: so a crowd from few
 * addresses, or from one network of IPv6, does not keep out who comes from
 * another. One with a request under way is never ended.
 */
export class ConnectionCaps<G extends Guest> {
  readonly #limits: FrontLimits;
  readonly #perAddressKey: string;
  readonly #byAddress = new Map<string, Set<G>>();
  /** The same by {@linkcode networkOf}. */
  readonly #byNetwork = new Map<string, Set<G>>();
  #count = 0;

  /** Nobody is in. `perAddressKey` is named where that limit is. */
  constructor(limits: FrontLimits, perAddressKey: string) {
    this.#limits = limits;
    this.#perAddressKey = perAddressKey;
  }

  /** How many are in. */
  get count(): number {
    return this.#count;
  }

  /** Lets `guest` in, if need be in place of another, or refuses it. */
  enter(guest: G): Admittance<G> {
    const reached = this.#reached(guest);
    if (reached !== null) {
      const { limit, crowd, mayGo } = reached;
      const of = stillest(crowd, mayGo);
      if (of === null) return { kind: "refused", limit };
      this.leave(of);
      this.#admit(guest);
      return { kind: "instead", of, limit };
    }
    this.#admit(guest);
    return { kind: "admitted" };
  }

  /** `guest` is gone. Idempotent. */
  leave(guest: G): void {
    if (!removeFrom(this.#byAddress, guest.address, guest)) return;
    removeFrom(this.#byNetwork, networkOf(guest.address), guest);
    this.#count--;
  }

  #admit(guest: G): void {
    addTo(this.#byAddress, guest.address, guest);
    addTo(this.#byNetwork, networkOf(guest.address), guest);
    this.#count++;
  }

  /** The limit that another connection would exceed, and which connections may have to go for it. */
  #reached(guest: G): Reached<G> | null {
    const { connections, handshakes, perAddress } = this.#limits;
    const own = this.#byAddress.get(guest.address) ?? new Set<G>();
    if (own.size >= perAddress) {
      const limit =
        `${this.#perAddressKey} = ${perAddress} connections from one address`;
      return { limit, crowd: own, mayGo: asksNothing };
    }
    if (this.#count >= connections) {
      const crowd = this.#largest(guest, () => true);
      const limit = `${connections} connections in all`;
      return { limit, crowd, mayGo: asksNothing };
    }
    if (!shakes(guest) || this.#handshaking() < handshakes) return null;
    const crowd = this.#largest(guest, shakes);
    const limit = `${handshakes} TLS handshakes under way`;
    return { limit, crowd, mayGo: shakes };
  }

  #handshaking(): number {
    let count = 0;
    for (const those of this.#byAddress.values()) {
      for (const guest of those) if (shakes(guest)) count++;
    }
    return count;
  }

  /** The connections of the network that has the most of those that count; its own if no other has more. */
  #largest(guest: G, counts: (guest: G) => boolean): Iterable<G> {
    let best = this.#byNetwork.get(networkOf(guest.address)) ?? new Set<G>();
    let most = [...best].filter(counts).length;
    for (const those of this.#byNetwork.values()) {
      const size = [...those].filter(counts).length;
      if (size > most) [best, most] = [those, size];
    }
    return best;
  }
}

function addTo<G>(sets: Map<string, Set<G>>, key: string, one: G): void {
  const those = sets.get(key);
  if (those === undefined) sets.set(key, new Set([one]));
  else those.add(one);
}

/** False if it was not there. */
function removeFrom<G>(
  sets: Map<string, Set<G>>,
  key: string,
  one: G,
): boolean {
  const those = sets.get(key);
  if (those === undefined || !those.delete(one)) return false;
  if (those.size === 0) sets.delete(key);
  return true;
}

function shakes(guest: Guest): boolean {
  return guest.phase === "handshake";
}

function asksNothing(guest: Guest): boolean {
  return guest.phase !== "busy";
}

function stillest<G extends Guest>(
  guests: Iterable<G>,
  eligible: (guest: Guest) => boolean,
): G | null {
  let found: G | null = null;
  for (const guest of guests) {
    if (!eligible(guest)) continue;
    if (found === null || guest.lastMs < found.lastMs) found = guest;
  }
  return found;
}
