import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";

/** The header by which a proxy tells members from where a request comes. */
export const PROXIED_HEADER = "x-hiqlite-client";

/** By how much the clocks of a proxy and a member may differ, ms. */
const CLOCKS_APART_MS = 5 * 60_000;

const TEXT = /^([0-9a-fA-F.:]{2,45}) ([0-9a-z]{1,10})\.([\w-]{43})$/;
const BASE64 = { alphabet: "base64url", omitPadding: true } as const;

/** Addresses of clients as proxies tell them to members: with the time, signed by a key that follows from the API secret. */
export class ProxiedAddresses {
  readonly #keys: readonly Uint8Array[];

  /** `secrets`: the API secret, which signs, and the one before it. */
  constructor(secrets: readonly string[]) {
    this.#keys = secrets.map(keyOf);
  }

  /** What a proxy tells at `nowMs` since 1970. */
  told(address: string, nowMs: number): string {
    const signed = `${address} ${nowMs.toString(36)}`;
    return `${signed}.${macOf(this.#keys[0]!, signed).toBase64(BASE64)}`;
  }

  /** The address in what was told; empty if no proxy that knows a secret told it within five minutes of `nowMs`. */
  read(told: string, nowMs: number): string {
    const [, address, time, mac] = TEXT.exec(told) ?? [];
    if (address === undefined) return "";
    if (Math.abs(parseInt(time!, 36) - nowMs) > CLOCKS_APART_MS) return "";
    const given = Uint8Array.fromBase64(mac!, { alphabet: "base64url" });
    const isOurs = this.#keys.some((key) =>
      timingSafeEqual(macOf(key, `${address} ${time}`), given)
    );
    return isOurs ? address : "";
  }
}

function keyOf(secret: string): Uint8Array {
  return new Uint8Array(
    hkdfSync("sha256", secret, "", "hiqlite proxied address", 32),
  );
}

function macOf(key: Uint8Array, signed: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(signed).digest());
}
