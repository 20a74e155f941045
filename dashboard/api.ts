import type { JsonAnalysis } from "../src/api/dashboard/analysis.ts";
import type { JsonAuditTrail } from "../src/api/dashboard/audit.ts";
import type { JsonDashboardBackups } from "../src/api/dashboard/backups.ts";
import type { JsonOverview } from "../src/api/dashboard/overview.ts";
import {
  BACKGROUND_HEADER,
  DASHBOARD_ROUTES,
  type DashboardRoute,
  type DashboardRouteName,
  VERSION_HEADER,
  WRITE_HEADER,
} from "../src/api/dashboard/routes.ts";
import type { JsonSchemaListing } from "../src/api/dashboard/schema.ts";
import type { JsonSession } from "../src/api/dashboard/session.ts";
import type { JsonSlowStatements } from "../src/api/dashboard/slow.ts";
import type { JsonSettings } from "../src/api/dashboard/settings.ts";
import type {
  JsonDashboardImported,
  JsonDashboardRows,
  JsonDashboardWritten,
} from "../src/api/dashboard/sql.ts";

/** What the routes answer whose answer is a type of the contract. */
export interface Answers {
  readonly session: JsonSession;
  readonly login: JsonSession;
  readonly overview: JsonOverview;
  readonly schema: JsonSchemaListing;
  readonly analyze: JsonAnalysis;
  readonly query: JsonDashboardRows;
  readonly write: JsonDashboardWritten;
  readonly import: JsonDashboardImported;
  readonly audit: JsonAuditTrail;
  readonly settings: JsonSettings;
  readonly slow: JsonSlowStatements;
  readonly backups: JsonDashboardBackups;
}

/** What a call may say. */
export interface CallOptions {
  /** Becomes JSON. */
  readonly body?: unknown;
  readonly query?: Readonly<Record<string, string | number>>;
  /** Closing the request ends what it asked for. */
  readonly signal?: AbortSignal;
  /** One for each click: a call that is repeated with it is applied once. */
  readonly idempotencyKey?: string;
  /** The page asks by itself: the session is not prolonged. @default {false} */
  readonly background?: boolean;
}

/** What the server refused, or that it could not be asked (`unreachable`). */
export class ApiError extends Error {
  /** `ApiError` */
  override readonly name = "ApiError";
  /** A code of the API, or `unreachable`. */
  readonly code: string;
  /** The HTTP status; 0 if there was no answer. */
  readonly status: number;
  /** The whole body, if it was JSON. */
  readonly body: unknown;

  /** `message` is the server's, for people. */
  constructor(code: string, message: string, status: number, body?: unknown) {
    super(message);
    this.code = code;
    this.status = status;
    this.body = body;
  }
}

/** Who hears of every answer. */
export interface CallListener {
  /** The session is over, or never was. */
  unauthorized(): void;
  /** The version of whoever answered. */
  version(version: string): void;
  /** A call that prolongs the session was answered. */
  active(): void;
}

let listener: CallListener | undefined;

/** Names who hears of every answer. */
export function listenToCalls(to: CallListener): void {
  listener = to;
}

/** Calls a route. @throws {ApiError} what it refused. @throws {DOMException} `AbortError` of the signal. */
export async function call<Name extends DashboardRouteName>(
  name: Name,
  options: CallOptions = {},
): Promise<Name extends keyof Answers ? Answers[Name] : unknown> {
  const response = await request(name, options);
  const text = await response.text().catch((error) => {
    throw unreachable(error);
  });
  return JSON.parse(text === "" ? "null" : text);
}

/** Calls a route whose answer is read as it comes. @throws {ApiError} what it refused. */
export async function request(
  name: DashboardRouteName,
  options: CallOptions = {},
): Promise<Response> {
  const route: DashboardRoute = DASHBOARD_ROUTES[name];
  const { body, signal, background = false } = options;
  let response: Response;
  try {
    response = await fetch(urlOf(name, options.query), {
      method: route.method,
      headers: headersOf(route, options),
      credentials: "same-origin",
      cache: "no-store",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (error) {
    throw unreachable(error);
  }
  const version = response.headers.get(VERSION_HEADER);
  if (version !== null) listener?.version(version);
  if (response.ok) {
    if (!background) listener?.active();
    return response;
  }
  const refusal = await refusalOf(response);
  if (response.status === 401 && name !== "login") listener?.unauthorized();
  throw refusal;
}

/** The address of a route, relative to the page: it works behind any prefix. */
export function urlOf(
  name: DashboardRouteName,
  query: Readonly<Record<string, string | number>> = {},
): string {
  const pairs = Object.entries(query)
    .map(([key, value]): [string, string] => [key, String(value)]);
  const search = new URLSearchParams(pairs).toString();
  const { path } = DASHBOARD_ROUTES[name];
  return `./api/${path}${search === "" ? "" : `?${search}`}`;
}

function headersOf(
  route: DashboardRoute,
  { body, idempotencyKey, background }: CallOptions,
): Record<string, string> {
  return {
    ...(body === undefined && route.method === "GET"
      ? {}
      : { "content-type": "application/json" }),
    ...(route.writes ? { [WRITE_HEADER]: "1" } : {}),
    ...(background === true ? { [BACKGROUND_HEADER]: "1" } : {}),
    ...(idempotencyKey === undefined
      ? {}
      : { "idempotency-key": idempotencyKey }),
  };
}

async function refusalOf(response: Response): Promise<ApiError> {
  const body: unknown = await response.json().catch(() => undefined);
  const error = (body as { error?: { code?: unknown; message?: unknown } })
    ?.error;
  return new ApiError(
    typeof error?.code === "string" ? error.code : "unreachable",
    typeof error?.message === "string"
      ? error.message
      : `The server answered with status ${response.status}`,
    response.status,
    body,
  );
}

function unreachable(error: unknown): unknown {
  const name = (error as Error)?.name;
  if (name === "AbortError") return error;
  return new ApiError(
    "unreachable",
    name === "TimeoutError"
      ? "The member did not answer in time"
      : "The member cannot be reached",
    0,
  );
}

/** A key for one click. `crypto.randomUUID` is missing where the page is not encrypted. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
