import { argon2id } from "hash-wasm";
import {
  BACKGROUND_HEADER,
  WRITE_HEADER,
} from "../../../src/api/dashboard/routes.ts";
import { DASHBOARD_LINK } from "../../../src/api/routes/dashboard.ts";
import { formatPasswordHash } from "../../../src/password/password_hash.ts";
import { wiredApp } from "../../../src/server/app.ts";
import type {
  DashboardOptions,
  DashboardWiring,
} from "../../../src/server/dashboard/options.ts";
import type { Member } from "../../../src/node/port.ts";
import { FakeMember } from "../../client/fake_member.ts";

export { BACKGROUND_HEADER, WRITE_HEADER };

export const SECRET = "api-secret-0123456789";
export const HOST = "127.0.0.1:8200";

/** What a page of the dashboard sends with each request. */
export const PAGE_HEADERS = {
  host: HOST,
  "sec-fetch-site": "same-origin",
  "content-type": "application/json",
};

/** A password's hash whose check costs nothing. */
export async function cheapHash(password: string): Promise<string> {
  const cost = { memoryKib: 8, passes: 1, lanes: 1 };
  const salt = crypto.getRandomValues(new Uint8Array(16));
  const hash = await argon2id({
    password,
    salt,
    ...{ memorySize: 8, iterations: 1, parallelism: 1, hashLength: 32 },
    outputType: "binary",
  }) as Uint8Array<ArrayBuffer>;
  return formatPasswordHash({ ...cost, salt, hash });
}

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // deno-lint-ignore no-explicit-any
  readonly json: any;
  /** What the cookie of the answer says, for a `cookie` header; empty for none. */
  readonly cookie: string;
}

/** An application with a dashboard, and what a browser does with it. */
export class Page {
  readonly member: Member;
  readonly app: ReturnType<typeof wiredApp>;

  constructor(
    { clock, page, ...options }: DashboardOptions & DashboardWiring = {},
    member: Member = new FakeMember(),
  ) {
    this.member = member;
    this.app = wiredApp(member, {
      secretApi: SECRET,
      version: "1.2.3",
      dashboard: options,
    }, {
      ...(clock === undefined ? {} : { clock }),
      ...(page === undefined ? {} : { page }),
    });
  }

  /** A request as a page sends it; a header that is undefined is left out. */
  async ask(
    method: string,
    path: string,
    { body, headers = {} }: {
      readonly body?: unknown;
      readonly headers?: Readonly<Record<string, string | undefined>>;
    } = {},
  ): Promise<Reply> {
    const all = Object.entries({ ...PAGE_HEADERS, ...headers })
      .filter((pair): pair is [string, string] => pair[1] !== undefined);
    const response = await this.app.request(path, {
      method,
      headers: all,
      redirect: "manual",
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const type = response.headers.get("content-type") ?? "";
    return {
      status: response.status,
      headers: response.headers,
      text,
      json: type.startsWith("application/json") ? JSON.parse(text) : undefined,
      cookie: (response.headers.get("set-cookie") ?? "").split(";")[0]!,
    };
  }

  login(
    body: unknown,
    headers: Readonly<Record<string, string | undefined>> = {},
  ): Promise<Reply> {
    return this.ask("POST", "/dashboard/api/session", { body, headers });
  }

  /** The text of a link that signs in. */
  async link(): Promise<string> {
    const { json } = await this.ask("POST", DASHBOARD_LINK.path, {
      body: {},
      headers: { "x-api-secret": SECRET },
    });
    return json.path.split("#login=")[1];
  }

  /** The cookie of somebody who may do everything. */
  async admin(): Promise<string> {
    return (await this.login({ link: await this.link() })).cookie;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.member.shutdown();
  }
}
