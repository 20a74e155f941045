import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { Clock } from "../../util/clock.ts";
import { SESSION_MS } from "./sessions.ts";

/** How long a link works, ms. */
export const LINK_MS = 60_000;
/** By how much the clock of the member that made it may be ahead, ms. */
const CLOCKS_APART_MS = 5 * 60_000;
/** Links made here that wait to be used; beyond it the oldest one needs a leader. */
const LINKS_MAX = 16;

const TEXT = /^(([0-9a-z]{1,10})\.([\w-]{22}))\.([\w-]{43})$/;
const BASE64 = { alphabet: "base64url", omitPadding: true } as const;

/** Has the cluster spend a nonce and keep it until then, ms since 1970: whether this was the first time, null if nobody can tell. */
export type Spend = (nonce: string, untilMs: number) => Promise<boolean | null>;

/**
 * Links that sign in once, at any member of a cluster: for who has the API secret, or reads the output of a member
 * that was started by hand. They are signed by a key that follows from that secret.
 */
export class LoginLinks {
  readonly #keys: readonly Uint8Array[];
  readonly #clock: Pick<Clock, "wall">;
  /** Nonces of links that were made here and not used here. */
  readonly #unused = new Set<string>();
  #made = false;

  /** Of one member; `secrets`: the API secret, which signs, and the one before it. */
  constructor(secrets: readonly string[], clock: Pick<Clock, "wall">) {
    this.#keys = secrets.map(keyOf);
    this.#clock = clock;
  }

  /** Whether this member ever made one. */
  get made(): boolean {
    return this.#made;
  }

  /** A text that signs in once, within {@linkcode LINK_MS}. */
  make(): string {
    this.#made = true;
    const nonce = crypto.getRandomValues(new Uint8Array(16)).toBase64(BASE64);
    this.#unused.add(nonce);
    if (this.#unused.size > LINKS_MAX) {
      const [oldest] = this.#unused;
      this.#unused.delete(oldest!);
    }
    const signed = `${(this.#clock.wall() + LINK_MS).toString(36)}.${nonce}`;
    return `${signed}.${macOf(this.#keys[0]!, signed).toBase64(BASE64)}`;
  }

  /**
   * Whether this is one that works; from now on it does not, anywhere. Null: nobody leads, so only the member that
   * made it can tell.
   */
  async use(link: string, spend: Spend): Promise<boolean | null> {
    const [, signed, expires, nonce, mac] = TEXT.exec(link) ?? [];
    if (signed === undefined) return false;
    const given = Uint8Array.fromBase64(mac!, { alphabet: "base64url" });
    const isOurs = this.#keys.some((key) =>
      timingSafeEqual(macOf(key, signed), given)
    );
    const expiresMs = parseInt(expires!, 36);
    const now = this.#clock.wall();
    if (!isOurs || now >= expiresMs) return false;
    if (expiresMs > now + LINK_MS + CLOCKS_APART_MS) return false;
    // Before anything is waited for: two uses here are told apart without a leader.
    const isUnused = this.#unused.delete(nonce!);
    // As long as a session, or it would be the first to be forgotten when many sign out.
    const isFirst = await spend(nonce!, expiresMs + SESSION_MS);
    return isFirst ?? (isUnused ? true : null);
  }
}

/** Path and fragment of an address that signs in to the dashboard at `base`: a fragment is sent to nobody. */
export function linkPath(base: string, links: LoginLinks): string {
  return `${base}/#login=${links.make()}`;
}

function keyOf(secret: string): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", secret, "", "hiqlite dashboard link", 32),
  );
}

function macOf(key: Uint8Array, signed: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(signed).digest());
}
