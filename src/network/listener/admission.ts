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
 * takes it from himself: one from another address is still let in. Among those of
 * one address the oldest has to go, for an honest peer proves itself within
 * milliseconds: so one that shares its address with an attacker is let in, too.
 */
export class Admission<T> {
  readonly #limits: AdmissionLimits;
  /** Unproven ones by address, oldest first. */
  readonly #strangers = new Map<string, Set<T>>();
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
    for (const those of this.#strangers.values()) count += those.size;
    return count;
  }

  /** A connection from `address`. */
  enter(guest: T, address: string): Admitted<T> {
    const { strangers, strangersPerAddress, connections } = this.#limits;
    if (this.#all.size >= connections) {
      return refused(`at most ${connections} connections in all`);
    }
    const own = this.#strangers.get(address)?.size ?? 0;
    if (own >= strangersPerAddress) {
      const [oldest] = this.#strangers.get(address)!;
      return this.#exchange(
        guest,
        address,
        oldest!,
        `at most ${strangersPerAddress} from one address that ${UNPROVEN}`,
      );
    }
    if (this.strangers >= strangers) {
      const limit = `at most ${strangers} that ${UNPROVEN}`;
      const newest = this.#newestOfTheMost(own);
      if (newest === null) return refused(limit);
      return this.#exchange(guest, address, newest, limit);
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
    const those = this.#strangers.get(from) ?? new Set();
    this.#strangers.set(from, those.add(guest));
    this.#all.set(guest, from);
  }

  /** A connection has proven that it knows the secret. */
  prove(guest: T): void {
    const from = this.#all.get(guest);
    if (from === undefined) return;
    const those = this.#strangers.get(from);
    those?.delete(guest);
    if (those?.size === 0) this.#strangers.delete(from);
  }

  /** A connection is gone. */
  leave(guest: T): void {
    this.prove(guest);
    this.#all.delete(guest);
  }

  /** Null if no address has more than the one with `own`. */
  #newestOfTheMost(own: number): T | null {
    let most: Set<T> | null = null;
    for (const those of this.#strangers.values()) {
      if (those.size > (most?.size ?? own)) most = those;
    }
    return most === null ? null : [...most].at(-1)!;
  }
}

function refused(limit: string): Admitted<never> {
  return { kind: "refused", limit };
}
