import type { Context } from "@hono/hono";
import type { DashboardRole } from "../../api/dashboard/routes.ts";
import type {
  JsonLoginRefusal,
  JsonSession,
} from "../../api/dashboard/session.ts";
import { fieldsOf, textField } from "../../api/fields.ts";
import { HiqliteError } from "../../errors.ts";
import type { AuditNote } from "../../node/audit_port.ts";
import type { Member } from "../../node/port.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { Clock } from "../../util/clock.ts";
import { checkContentType } from "../mount.ts";
import type { BodyReader } from "../body.ts";
import type { AuditLog } from "./audit_log.ts";
import type { LoginLinks } from "./login_links.ts";
import type { LoginThrottle } from "./login_throttle.ts";
import type { DashboardOptions } from "./options.ts";
import type { PasswordChecks } from "./password_checks.ts";
import { isLoopbackName } from "./request_guard.ts";
import {
  type CookieOptions,
  sessionText,
  setCookie,
} from "./session_cookie.ts";
import {
  type DashboardSession,
  type DashboardSessions,
  IDLE_MS,
  SESSION_MS,
} from "./sessions.ts";

/** A login has at most a password of 1,024 bytes. */
const LOGIN_BYTES_MAX = 8 * 1024;

/** Sessions whose address is remembered. */
const ADDRESSES_MAX = 1000;

/** What signing in needs. */
export interface SignInParts {
  readonly member: Pick<Member, "cluster">;
  readonly bodies: BodyReader;
  readonly sessions: DashboardSessions;
  readonly links: LoginLinks;
  readonly passwords: PasswordChecks;
  readonly throttle: LoginThrottle;
  readonly audit: AuditLog;
  readonly clock: Pick<Clock, "wall">;
  readonly version: string;
  readonly options: DashboardOptions;
}

/** Who signs in and out, and who has. */
export class SignIn {
  readonly #parts: SignInParts;
  /** From where the sessions were used last that were used latest. */
  readonly #addresses = new Map<string, string>();
  /** Sessions that were ended here, until the cluster knows. */
  readonly #ended: Set<string>;

  /** `ended` is filled with sessions that somebody signed out of here. */
  constructor(parts: SignInParts, ended: Set<string>) {
    this.#parts = parts;
    this.#ended = ended;
  }

  /** Who sent a request; null: nobody who signed in. */
  sessionOf(context: Context): DashboardSession | null {
    const text = sessionText(context.req.raw.headers, this.#cookie());
    return text === "" ? null : this.#parts.sessions.read(text);
  }

  /** Sends a session's cookie anew if it was seen long ago. */
  renew(context: Context, session: DashboardSession): void {
    const renewed = this.#parts.sessions.renewed(session);
    if (renewed !== null) this.#send(context, renewed);
  }

  /** From where a request comes; empty if that is not known. Of a session it is known again: not every request tells. */
  addressOf(context: Context, session: DashboardSession | null): string {
    const told = this.#parts.options.addressOf?.(context.req.raw) ?? "";
    if (session === null) return told;
    if (told === "") return this.#addresses.get(session.id) ?? "";
    this.#addresses.delete(session.id);
    this.#addresses.set(session.id, told);
    if (this.#addresses.size > ADDRESSES_MAX) {
      const [oldest] = this.#addresses.keys();
      this.#addresses.delete(oldest!);
    }
    return told;
  }

  /** The node that answers. */
  get nodeId(): number {
    return nodeIdOf(this.#parts.member.cluster().self);
  }

  /** `GET session` */
  describe(context: Context, session: DashboardSession | null): Response {
    return context.json(this.#described(context, session));
  }

  /** `POST session` @throws {HiqliteError} `invalid`, `overloaded` */
  async login(context: Context): Promise<Response> {
    checkContentType(context);
    const body = await this.#parts.bodies.bytes(
      context.req.raw,
      LOGIN_BYTES_MAX,
      // deno-lint-ignore require-await -- its bytes are counted as long as it runs
      async (bytes) => parsed(bytes),
    );
    const fields = fieldsOf(body, ["password", "link"]);
    const address = this.addressOf(context, null);
    if (fields.has("link")) {
      return await this.#byLink(context, textField(fields, "link"), address);
    }
    return await this.#byPassword(
      context,
      textField(fields, "password"),
      address,
    );
  }

  /** `DELETE session` */
  async logout(
    context: Context,
    session: DashboardSession | null,
  ): Promise<Response> {
    context.header("set-cookie", setCookie(this.#cookie(), ""));
    if (session === null) return context.json({ everywhere: true });
    this.#ended.add(session.id);
    const everywhere = await this.#parts.audit.endSession(
      session.id,
      session.issuedMs + SESSION_MS,
      this.#note(
        session.role,
        this.addressOf(context, session),
        "logout",
        "",
        "done",
      ),
    );
    return context.json({ everywhere });
  }

  async #byLink(
    context: Context,
    link: string,
    address: string,
  ): Promise<Response> {
    const { links, audit } = this.#parts;
    const note = this.#note("admin", address, "login", "link", "done");
    const isGood = await links.use(
      link,
      (nonce, untilMs) => audit.spend(nonce, untilMs, note),
    );
    if (isGood === true) return this.#begin(context, "admin");
    return this.#refuse(
      context,
      address,
      isGood === null
        ? "Nobody leads the cluster: until somebody does, a link works at the member that made it alone; give its address to hiqlite open"
        : "The link was used already, or is older than 60 s: run hiqlite open again",
      "link",
    );
  }

  async #byPassword(
    context: Context,
    password: string,
    address: string,
  ): Promise<Response> {
    const { throttle, passwords } = this.#parts;
    if (!passwords.possible) {
      throw new HiqliteError(
        "unauthorized",
        "No password is configured (password_dashboard): run hiqlite open",
      );
    }
    const waitMs = throttle.waitMs(address);
    if (waitMs > 0) {
      return refusal(
        context,
        429,
        {
          code: "overloaded",
          message: `The next password is looked at in ${
            Math.ceil(waitMs / 1000)
          } s`,
        },
        waitMs,
      );
    }
    const role = await passwords.check(password, address);
    if (role === null) {
      throttle.failed(address);
      return this.#refuse(
        context,
        address,
        "The password is wrong",
        "password",
      );
    }
    throttle.passed(address);
    // Not waited for: who signs in while nobody leads wants to know why.
    void this.#parts.audit.note(
      this.#note(role, address, "login", "password", "done"),
    );
    return this.#begin(context, role);
  }

  #begin(
    context: Context,
    role: DashboardRole,
  ): Response {
    const session = this.#parts.sessions.begin(role);
    // It is the first of its connection, and perhaps the last that tells.
    this.addressOf(context, session);
    this.#send(context, session);
    return this.describe(context, session);
  }

  #refuse(
    context: Context,
    address: string,
    message: string,
    how: string,
  ): Response {
    this.#parts.audit.refused(address, how);
    return refusal(
      context,
      401,
      { code: "unauthorized", message },
      this.#parts.throttle.waitMs(address),
    );
  }

  #send(context: Context, session: DashboardSession): void {
    const text = this.#parts.sessions.text(session);
    context.header("set-cookie", setCookie(this.#cookie(), text));
  }

  #cookie(): CookieOptions {
    const { insecureCookie = false } = this.#parts.options;
    const { clusterId } = this.#parts.member.cluster();
    return { clusterId, insecure: insecureCookie };
  }

  #described(
    context: Context,
    session: DashboardSession | null,
  ): JsonSession {
    const { options, passwords, member, clock, version } = this.#parts;
    const host = (context.req.header("host") ?? "").replace(/:\d*$/, "");
    return {
      role: session?.role ?? null,
      idle_until_ms: session === null ? null : session.seenMs + IDLE_MS,
      ends_ms: session === null ? null : session.issuedMs + SESSION_MS,
      now_ms: clock.wall(),
      cluster_id: session === null ? null : member.cluster().clusterId,
      node_id: this.nodeId,
      version,
      insecure: !options.encrypted && !isLoopbackName(host),
      password_login: passwords.possible,
      features: {
        caches: member.cluster().groups.length > 1,
        viewer: (options.viewerPassword ?? "") !== "",
      },
    };
  }

  #note(
    role: DashboardRole,
    address: string,
    action: string,
    detail: string,
    outcome: string,
  ): AuditNote {
    const { nodeId } = this;
    return {
      ...{ role, address, nodeId, action, detail, outcome },
      rows: null,
      did: null,
    };
  }
}

function refusal(
  context: Context,
  status: 401 | 429,
  error: JsonLoginRefusal["error"],
  retryAfterMs: number,
): Response {
  context.header("retry-after", `${Math.ceil(retryAfterMs / 1000)}`);
  const body: JsonLoginRefusal = { error, retry_after_ms: retryAfterMs };
  return context.json(body, status);
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new HiqliteError("invalid", "The body is not JSON");
  }
}
