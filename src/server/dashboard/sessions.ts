import { createHmac, hkdfSync, timingSafeEqual } from "node:crypto";
import type { DashboardRole } from "../../api/dashboard/routes.ts";
import type { Clock } from "../../util/clock.ts";

/** A session ends when its page has asked nothing for so long, ms. */
export const IDLE_MS = 15 * 60_000;
/** It ends after so long in any case, ms. */
export const SESSION_MS = 8 * 3_600_000;
/** Its text is written anew after so long, ms: not with every request. */
const RENEW_MS = 60_000;
/** By how much another member's clock may be ahead, ms. */
const CLOCKS_APART_MS = 5 * 60_000;

const TEXT =
  /^(v1\.(admin|viewer)\.([0-9a-z]{1,10})\.([0-9a-z]{1,10})\.([\w-]{22}))\.([\w-]{43})$/;

/** Somebody who signed in. */
export interface DashboardSession {
  readonly role: DashboardRole;
  /** When, ms since 1970. */
  readonly issuedMs: number;
  /** When its page was seen last, up to a minute before; ms since 1970. */
  readonly seenMs: number;
  /** 128 random bits that name it for ever. */
  readonly id: string;
}

/** What sessions are made from. */
export interface DashboardSessionsOptions {
  /** The API secret, and the one before it. The first one signs. */
  readonly secrets: readonly string[];
  /** The hash of each role's password; empty for none. */
  readonly passwords: Readonly<Record<DashboardRole, string>>;
  readonly clock: Pick<Clock, "wall">;
  /** Whether somebody signed out of the session with this id. */
  readonly hasEnded: (id: string) => boolean;
}

/**
 * Sessions as texts that every member of a cluster can read, without storage and without a leader: signed by a key
 * that follows from the API secret and the hash of the role's password, so that a new password ends them.
 */
export class DashboardSessions {
  readonly #keys: Readonly<Record<DashboardRole, readonly Uint8Array[]>>;
  readonly #clock: DashboardSessionsOptions["clock"];
  readonly #hasEnded: DashboardSessionsOptions["hasEnded"];

  /** Of one member. */
  constructor(
    { secrets, passwords, clock, hasEnded }: DashboardSessionsOptions,
  ) {
    const keysOf = (role: DashboardRole): Uint8Array[] =>
      secrets.map((secret) => keyOf(secret, role, passwords[role]));
    this.#keys = { admin: keysOf("admin"), viewer: keysOf("viewer") };
    this.#clock = clock;
    this.#hasEnded = hasEnded;
  }

  /** Somebody signed in. */
  begin(role: DashboardRole): DashboardSession {
    const now = this.#clock.wall();
    const id = crypto.getRandomValues(new Uint8Array(16))
      .toBase64({ alphabet: "base64url", omitPadding: true });
    return { role, issuedMs: now, seenMs: now, id };
  }

  /** A session as its cookie carries it. */
  text({ role, issuedMs, seenMs, id }: DashboardSession): string {
    const signed = `v1.${role}.${issuedMs.toString(36)}.${
      seenMs.toString(36)
    }.${id}`;
    return `${signed}.${macOf(this.#keys[role][0]!, signed).toBase64(BASE64)}`;
  }

  /** What {@linkcode text} wrote; null of a session that is over, or was none. */
  read(text: string): DashboardSession | null {
    const [, signed, role, issued, seen, id, mac] = TEXT.exec(text) ?? [];
    if (signed === undefined) return null;
    const given = Uint8Array.fromBase64(mac!, { alphabet: "base64url" });
    const isOurs = this.#keys[role as DashboardRole].some((key) =>
      timingSafeEqual(macOf(key, signed), given)
    );
    if (!isOurs) return null;
    const session: DashboardSession = {
      role: role as DashboardRole,
      issuedMs: parseInt(issued!, 36),
      seenMs: parseInt(seen!, 36),
      id: id!,
    };
    return this.isOver(session) ? null : session;
  }

  /** Whether a session that was read is over by now. */
  isOver({ issuedMs, seenMs, id }: DashboardSession): boolean {
    const now = this.#clock.wall();
    return now >= seenMs + IDLE_MS || now >= issuedMs + SESSION_MS ||
      seenMs > now + CLOCKS_APART_MS || this.#hasEnded(id);
  }

  /** The session, seen now; null if its text need not be written anew for that. */
  renewed(session: DashboardSession): DashboardSession | null {
    const seenMs = this.#clock.wall();
    return seenMs - session.seenMs < RENEW_MS ? null : { ...session, seenMs };
  }
}

const BASE64 = { alphabet: "base64url", omitPadding: true } as const;

function keyOf(secret: string, role: DashboardRole, hash: string): Uint8Array {
  const info = `hiqlite dashboard session\0${role}\0${hash}`;
  return new Uint8Array(hkdfSync("sha256", secret, "", info, 32));
}

function macOf(key: Uint8Array, signed: string): Uint8Array {
  return new Uint8Array(createHmac("sha256", key).update(signed).digest());
}
