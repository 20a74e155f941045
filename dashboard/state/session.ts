import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type ApiError, call, listenToCalls } from "../api.ts";
import type {
  JsonLogin,
  JsonSession,
} from "../../src/api/dashboard/session.ts";

/** Activity of the person prolongs the session, at most so often, ms. */
const PROLONG_EVERY_MS = 60_000;

const current = signal<JsonSession | null>(null);
const problem = signal<ApiError | null>(null);
const spoken = signal<string | null>(null);
let skewMs = 0;
let prolongedAt = 0;

/** Who is signed in; null until the server has said. */
export const session: ReadonlySignal<JsonSession | null> = current;

/** Why the server could not be asked who is signed in. */
export const sessionProblem: ReadonlySignal<ApiError | null> = problem;

/** May change data and members, once write mode is on. */
export const isAdmin: ReadonlySignal<boolean> = computed(() =>
  current.value?.role === "admin"
);

/** The version that answers now is not the one that the page was loaded from. */
export const otherVersion: ReadonlySignal<boolean> = computed(() =>
  current.value !== null && spoken.value !== null &&
  spoken.value !== current.value.version
);

/** The server's clock, ms since 1970. */
export function serverNow(): number {
  return Date.now() + skewMs;
}

/** What the server said of its clock. */
export function heardTime(nowMs: number): void {
  skewMs = nowMs - Date.now();
}

/** Asks who is signed in, after it has signed in by a link if the address has one. */
export async function beginSession(): Promise<void> {
  listenToCalls({
    unauthorized: () => forget(),
    version: (version) => spoken.value = version,
    active: () => prolongedAt = Date.now(),
  });
  for (const kind of ["pointerdown", "keydown"]) {
    addEventListener(kind, () => void prolong(), { passive: true });
  }
  const link = /^#login=([\w.-]+)$/.exec(location.hash)?.[1];
  if (link !== undefined) {
    // Out of the address before anything else: it must not stay in the history.
    history.replaceState(null, "", "#/overview");
    dispatchEvent(new HashChangeEvent("hashchange"));
  }
  try {
    take(link === undefined ? await call("session") : await byLink(link));
  } catch (error) {
    problem.value = error as ApiError;
  }
}

async function byLink(link: string): Promise<JsonSession> {
  try {
    return await call("login", { body: { link } satisfies JsonLogin });
  } catch (error) {
    if ((error as ApiError).code === "unreachable") throw error;
    // Used before, or too old: then a password is asked for.
    return await call("session");
  }
}

/** Signs in. @throws {ApiError} why not. */
export async function signIn(password: string): Promise<void> {
  take(await call("login", { body: { password } satisfies JsonLogin }));
}

/** Signs out, on every member. */
export async function signOut(): Promise<void> {
  await call("logout");
  forget();
}

/** Asks the server to go on with the session. */
export async function stayIn(): Promise<void> {
  take(await call("session"));
}

async function prolong(): Promise<void> {
  if ((current.value?.role ?? null) === null) return;
  if (Date.now() - prolongedAt < PROLONG_EVERY_MS) return;
  prolongedAt = Date.now();
  // Without an answer the poll says so.
  await stayIn().catch(() => {});
}

function take(next: JsonSession): void {
  problem.value = null;
  prolongedAt = Date.now();
  heardTime(next.now_ms);
  current.value = next;
}

function forget(): void {
  const was = current.value;
  if (was === null || was.role === null) return;
  current.value = {
    ...was,
    role: null,
    idle_until_ms: null,
    ends_ms: null,
  };
}
