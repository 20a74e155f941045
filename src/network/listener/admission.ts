import { networkOf } from "../../util/network_of.ts";

/** How many connections may be open at once. */
export interface AdmissionLimits {
  /** That have not proven yet that they know the secret. @default {64} */
  readonly strangers: number;
  /** Of these from one address. @default {16} */
  readonly strangersPerAddress: number;
  /** In all, proven ones too. @default {256} */
  readonly connections: number;
}

/** The defaults of {@linkcode AdmissionLimits}. */
export const ADMISSION_LIMITS: AdmissionLimits = {
  strangers: 64,
  strangersPerAddress: 16,
  connections: 256,
};

const UNPROVEN = "have not proven yet that they know secret_raft";

/** What became of a new connection. */
export type Admitted<T> =
  /** It may stay; `instead`, if there is one, has to go, for `limit` would be broken. */
  | { readonly kind: "admitted"; readonly instead: null }
  | { readonly kind: "admitted"; readonly instead: T; readonly limit: string }
  /** `limit` says which limit it would break. */
  | { readonly kind: "refused"; readonly limit: string };

/**
 * Counts connections, and decides which may stay. Who fills the room for strangers
 * takes it from himself, and so does a network of IPv6: one from another network is
 * still let in. Among those of one address, or of the network that fills the room,
 * the oldest has to go, for an honest peer proves itself within milliseconds: so one
 * that shares its address with an attacker is let in, too.
 */
export class Admission<T> {
  readonly #limits: AdmissionLimits;
  /** Unproven ones by address, oldest first. */
  readonly #byAddress = new Map<string, Set<T>>();
  /** The same by {@linkcode networkOf}. */
  readonly #byNetwork = new Map<string, Set<T>>();
  readonly #all = new Map<T, string>();

  /** Nobody is there yet. */
  constructor(limits: AdmissionLimits) {
    this.#limits = limits;
  }

  /** Connections that are counted. */
  get connections(): number {
    return this.#all.size;
  }

  /** Of these, the ones that have not proven themselves. */
  get strangers(): number {
    let count = 0;
    for (const those of this.#byNetwork.values()) count += those.size;
    return count;
  }

  /** A connection from `address`. */
  enter(guest: T, address: string): Admitted<T> {
    const { strangers, strangersPerAddress, connections } = this.#limits;
    if (this.#all.size >= connections) {
      return refused(`at most ${connections} connections in all`);
    }
    const own = this.#byAddress.get(address);
    if (own !== undefined && own.size >= strangersPerAddress) {
      const [oldest] = own;
      return this.#exchange(
        guest,
        address,
        oldest!,
        `at most ${strangersPerAddress} from one address that ${UNPROVEN}`,
      );
    }
    if (this.strangers >= strangers) {
      const limit = `at most ${strangers} that ${UNPROVEN}`;
      const instead = this.#inTheWay(networkOf(address));
      if (instead === undefined) return refused(limit);
      return this.#exchange(guest, address, instead, limit);
    }
    this.#add(guest, address);
    return { kind: "admitted", instead: null };
  }

  #exchange(guest: T, from: string, instead: T, limit: string): Admitted<T> {
    this.leave(instead);
    this.#add(guest, from);
    return { kind: "admitted", instead, limit };
  }

  #add(guest: T, from: string): void {
    addTo(this.#byAddress, from, guest);
    addTo(this.#byNetwork, networkOf(from), guest);
    this.#all.set(guest, from);
  }

  /** A connection has proven that it knows the secret. */
  prove(guest: T): void {
    const from = this.#all.get(guest);
    if (from === undefined) return;
    removeFrom(this.#byAddress, from, guest);
    removeFrom(this.#byNetwork, networkOf(from), guest);
  }

  /** A connection is gone. */
  leave(guest: T): void {
    this.prove(guest);
    this.#all.delete(guest);
  }

  /** Who has to go for one of this network: the newest of the network that has the most, or the oldest of its own. */
  #inTheWay(network: string): T | undefined {
    const own = this.#byNetwork.get(network) ?? new Set<T>();
    let most = own;
    for (const those of this.#byNetwork.values()) {
      if (those.size > most.size) most = those;
    }
    return most === own ? [...own][0] : [...most].at(-1);
  }
}

function addTo<T>(sets: Map<string, Set<T>>, key: string, guest: T): void {
  const those = sets.get(key) ?? new Set();
  sets.set(key, those.add(guest));
}

function removeFrom<T>(sets: Map<string, Set<T>>, key: string, guest: T): void {
  const those = sets.get(key);
  those?.delete(guest);
  if (those?.size === 0) sets.delete(key);
}

function refused(limit: string): Admitted<never> {
  return { kind: "refused", limit };
}
