import type { Hono } from "@hono/hono";
import type { Member } from "../../node/port.ts";
import { nodeIdOf } from "../../raft/types.ts";
import type { QueryLimits } from "../../state/sql/types.ts";
import { type Clock, systemClock } from "../../util/clock.ts";
import type { Logger } from "../../util/logger.ts";
import type { Mounting } from "../mount.ts";
import { AuditLog } from "./audit_log.ts";
import type { DashboardHandlers } from "./asking.ts";
import type { HandlerParts } from "./handler_parts.ts";
import { linkPath, LoginLinks } from "./login_links.ts";
import { LoginThrottle } from "./login_throttle.ts";
import { mountDashboard } from "./mount_dashboard.ts";
import {
  DASHBOARD_PATH,
  type DashboardOptions,
  type DashboardWiring,
} from "./options.ts";
import { builtDashboard, type DashboardPage } from "./page.ts";
import { PasswordChecks } from "./password_checks.ts";
import { DashboardSessions, SESSION_MS } from "./sessions.ts";
import { SignIn } from "./sign_in.ts";

/** Stands among the sessions that ended when a link was made: without a password every member has a dashboard then. */
const LINK_MADE = "link-made";

/** What a dashboard needs beside its options. */
export interface DashboardParts {
  readonly member: Member;
  /** The API secret, and the one before it if there is one. */
  readonly secrets: readonly string[];
  /** The most that a query may ask for. */
  readonly limits: QueryLimits;
  readonly version: string;
  readonly logger: Logger | undefined;
  readonly options: DashboardOptions;
  readonly wiring: DashboardWiring;
}

/** The dashboard of a member: its page, and what that asks. */
export class Dashboard {
  readonly #parts: DashboardParts;
  readonly #passwords: PasswordChecks;
  readonly #links: LoginLinks;
  readonly #clock: Clock;
  readonly #audit: AuditLog;
  #page: Promise<DashboardPage | null> | undefined;

  /** Serves nothing until it is mounted. */
  constructor(parts: DashboardParts) {
    this.#parts = parts;
    this.#clock = parts.wiring.clock ?? systemClock;
    this.#audit = new AuditLog(parts.member, parts.logger, this.#clock);
    this.#links = parts.wiring.links ??
      new LoginLinks(parts.secrets, this.#clock);
    const { password = "", viewerPassword = "" } = parts.options;
    this.#passwords = new PasswordChecks({
      admin: password,
      viewer: viewerPassword,
    });
  }

  /** Path and fragment of an address that signs in once, within a minute; the other members are told that there is one. */
  async tellLink(): Promise<string> {
    await this.#audit.endSession(LINK_MADE, this.#clock.wall() + SESSION_MS, {
      role: "admin",
      address: "",
      nodeId: nodeIdOf(this.#parts.member.cluster().self),
      ...{ action: "link", detail: "", outcome: "done", rows: null, did: null },
    });
    return linkPath(this.#base, this.#links);
  }

  /** Serves it in an application. */
  mount(mounting: Mounting): void {
    const { member, secrets, options, wiring, version, limits } = this.#parts;
    const ended = new Set<string>();
    const sessions = new DashboardSessions({
      secrets,
      passwords: {
        admin: options.password ?? "",
        viewer: options.viewerPassword ?? "",
      },
      clock: this.#clock,
      hasEnded: (id) => ended.has(id) || member.audit.hasEnded(id),
    });
    const signIn = new SignIn({
      member,
      bodies: mounting.bodies,
      sessions,
      links: this.#links,
      passwords: this.#passwords,
      throttle: new LoginThrottle(this.#clock),
      audit: this.#audit,
      clock: this.#clock,
      version,
      options,
    }, ended);
    let handlers: Promise<DashboardHandlers> | undefined;
    mountDashboard({
      app: mounting.app as Hono,
      base: this.#base,
      hosts: options.hosts,
      version,
      page: () => this.#built(),
      signIn,
      linkMade: () => this.#links.made || member.audit.hasEnded(LINK_MADE),
      hasPassword: this.#passwords.possible,
      audit: this.#audit,
      handlers: () =>
        handlers ??= loadHandlers({
          ...{ mounting, member, sessions, limits },
          settings: wiring.settings ?? [],
          nodeId: () => signIn.nodeId,
          now: () => this.#clock.wall(),
        }),
    });
  }

  get #base(): string {
    return this.#parts.options.basePath ?? DASHBOARD_PATH;
  }

  #built(): Promise<DashboardPage | null> {
    const { page } = this.#parts.wiring;
    this.#page ??= page === undefined
      ? builtDashboard()
      : Promise.resolve(page);
    return this.#page;
  }
}

async function loadHandlers(parts: HandlerParts): Promise<DashboardHandlers> {
  const { dashboardHandlers } = await import("./handlers.ts");
  return dashboardHandlers(parts);
}
