import type { Context, Hono } from "@hono/hono";
import {
  BACKGROUND_HEADER,
  DASHBOARD_ROUTES,
  type DashboardRoute,
  type DashboardRouteName,
  VERSION_HEADER,
  WRITE_HEADER,
} from "../../api/dashboard/routes.ts";
import { type ErrorCode, HiqliteError } from "../../errors.ts";
import type { AuditNote } from "../../node/audit_port.ts";
import type { DashboardHandlers, Deed } from "./asking.ts";
import type { AuditLog } from "./audit_log.ts";
import type { DashboardPage } from "./page.ts";
import { refuseCrossSite, refuseStrangeHost } from "./request_guard.ts";
import { SECURITY_HEADERS } from "./security_headers.ts";
import type { DashboardSession } from "./sessions.ts";
import type { SignIn } from "./sign_in.ts";

/** What a mounted dashboard is made of. */
export interface DashboardMounting {
  readonly app: Hono;
  /** Without a slash at its end. */
  readonly base: string;
  readonly hosts: readonly string[] | undefined;
  readonly version: string;
  /** What was built; null if nothing was. */
  readonly page: () => Promise<DashboardPage | null>;
  readonly signIn: SignIn;
  /** Whether some member made a link. */
  readonly linkMade: () => boolean;
  /** A password can be given. */
  readonly hasPassword: boolean;
  readonly audit: AuditLog;
  /** Loaded when somebody asks: most members are never looked at. */
  readonly handlers: () => Promise<DashboardHandlers>;
}

/** These give out much at once: they are remembered as changes are. */
const REMEMBERED: ReadonlySet<DashboardRouteName> = new Set([
  "export",
  "backupFile",
]);

/** With these something may have been done all the same. With any other nothing was. */
const MAYBE_DONE: ReadonlySet<ErrorCode> = new Set([
  "outcome_unknown",
  "timeout",
  "internal",
]);

/** Mounts the page and what it asks. */
export function mountDashboard(mounting: DashboardMounting): void {
  const { app, base, signIn } = mounting;
  app.use(`${base}/*`, async (context, next) => {
    await next();
    finish(context, mounting);
  });
  app.use(`${base}/*`, async (context, next) => {
    guard(context, mounting);
    await next();
  });
  app.get(base, (context) => {
    context.header("location", `${base.slice(base.lastIndexOf("/") + 1)}/`);
    return context.body(null, 308);
  });
  app.get("/", (context) => {
    const wantsPage = /\btext\/html\b/.test(context.req.header("accept") ?? "");
    if (!wantsPage) throw noSuchPath(context.req.path);
    admitted(context, mounting);
    return context.redirect(`.${base}/`, 302);
  });
  const { session, login, logout } = DASHBOARD_ROUTES;
  const pathOf = ({ path }: DashboardRoute): string => `${base}/api/${path}`;
  app.get(
    pathOf(session),
    (context) => signIn.describe(context, signIn.sessionOf(context)),
  );
  app.post(pathOf(login), (context) => signIn.login(context));
  app.delete(
    pathOf(logout),
    (context) => signIn.logout(context, signIn.sessionOf(context)),
  );
  for (const name of Object.keys(DASHBOARD_ROUTES) as DashboardRouteName[]) {
    if (isHandled(name)) mountRoute(mounting, name);
  }
  app.get(`${base}/*`, (context) => sendPage(context, mounting));
}

/** Whether somebody must have signed in for it. */
function isHandled(name: DashboardRouteName): name is keyof DashboardHandlers {
  return name !== "session" && name !== "login" && name !== "logout";
}

/** The error for a path that is not there. */
export function noSuchPath(path: string): HiqliteError {
  return new HiqliteError(
    "not_found",
    `There is no path ${path.slice(0, 200)}; GET /openapi.json lists them`,
  );
}

/** Refuses what no page of this dashboard sends. */
function guard(context: Context, mounting: DashboardMounting): void {
  const { raw } = context.req;
  refuseStrangeHost(raw.headers, mounting.hosts);
  admitted(context, mounting);
  refuseCrossSite(raw);
}

/** Without a password there is no dashboard, but for who was given a link, or has used one. */
function admitted(context: Context, mounting: DashboardMounting): void {
  const { hasPassword, linkMade, signIn } = mounting;
  if (hasPassword || linkMade() || signIn.sessionOf(context) !== null) return;
  throw noSuchPath(context.req.path);
}

/** The headers that every answer has. */
function finish(context: Context, mounting: DashboardMounting): void {
  const { headers } = context.res;
  for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
    headers.set(name, value);
  }
  headers.set(VERSION_HEADER, mounting.version);
  if (!headers.has("cache-control")) headers.set("cache-control", "no-store");
  // The front tells from where the first request of a connection comes: the next login is one.
  if (mounting.signIn.sessionOf(context) === null) {
    headers.set("connection", "close");
  }
}

function mountRoute(
  mounting: DashboardMounting,
  name: keyof DashboardHandlers,
): void {
  const { app, base, signIn, audit, handlers } = mounting;
  const route: DashboardRoute = DASHBOARD_ROUTES[name];
  app.on(route.method, `${base}/api/${route.path}`, async (context) => {
    const session = signIn.sessionOf(context);
    checkRole(context, route, session);
    const address = signIn.addressOf(context, session);
    const isBackground = context.req.header(BACKGROUND_HEADER) === "1";
    if (!isBackground) signIn.renew(context, session!);
    const deed: Deed = {
      ...{ detail: "", outcome: "done", rows: null, did: null, run: null },
    };
    const isNoted = route.writes || REMEMBERED.has(name);
    const note = (): AuditNote => {
      const { run, ...done } = deed;
      return {
        ...{ role: session!.role, address, nodeId: signIn.nodeId },
        action: name,
        ...done,
        ...(run === null ? {} : { run }),
      };
    };
    try {
      const handle = (await handlers())[name];
      const response = await handle({ context, session: session!, deed });
      if (isNoted) await audit.note(note());
      return response;
    } catch (error) {
      const code = error instanceof HiqliteError ? error.code : "internal";
      deed.outcome = code;
      // Not waited for: there may be nobody who could remember it.
      if (isNoted && MAYBE_DONE.has(code)) void audit.note(note());
      else if (isNoted) audit.log(note());
      throw error;
    }
  });
}

/** @throws {HiqliteError} `unauthorized`, `forbidden` */
function checkRole(
  context: Context,
  { role, writes }: DashboardRoute,
  session: DashboardSession | null,
): void {
  if (session === null) {
    throw new HiqliteError(
      "unauthorized",
      "Nobody is signed in, or the session is over: sign in again",
    );
  }
  if (role === "admin" && session.role !== "admin") {
    throw new HiqliteError(
      "forbidden",
      "Who signed in as a viewer may look and change nothing",
    );
  }
  if (writes && context.req.header(WRITE_HEADER) !== "1") {
    throw new HiqliteError(
      "forbidden",
      `What changes something needs the header ${WRITE_HEADER}: 1, which the page sends in write mode`,
    );
  }
}

async function sendPage(
  context: Context,
  { base, page }: DashboardMounting,
): Promise<Response> {
  const name = context.req.path.slice(base.length + 1);
  if (name === "api" || name.startsWith("api/")) {
    throw noSuchPath(context.req.path);
  }
  const built = await page();
  if (built === null) {
    return context.text(
      "This build has no dashboard: run deno task dashboard:build, and start the member again.\n",
      503,
    );
  }
  const response = built.response(name, context.req.raw);
  if (response === null) throw noSuchPath(context.req.path);
  return response;
}
