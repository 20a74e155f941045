import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "../client/fake_member.ts";

export const SECRET = "api-secret-0123456789";
export const HEADERS = {
  "x-api-secret": SECRET,
  "content-type": "application/json",
};

/** An app over a fresh member with the table `t(id, v)`. */
export async function withApp(
  run: (ask: Ask, member: FakeMember) => Promise<void>,
  options: Partial<Parameters<typeof createApp>[1]> = {},
): Promise<void> {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: SECRET, ...options });
  const ask: Ask = async (path, body, init = {}) => {
    const response = await app.request(path, {
      method: body === undefined ? "GET" : "POST",
      headers: HEADERS,
      ...(body === undefined
        ? {}
        : { body: typeof body === "string" ? body : JSON.stringify(body) }),
      ...init,
    });
    const text = await response.text();
    const json = text.startsWith("{") ? JSON.parse(text) : text;
    return { status: response.status, headers: response.headers, json };
  };
  try {
    await ask("/api/v1/execute", {
      sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY UNIQUE)",
    });
    member.writes.length = 0;
    await run(ask, member);
  } finally {
    await member.shutdown();
  }
}
type Ask = (
  path: string,
  body?: unknown,
  init?: RequestInit,
) => Promise<{
  status: number;
  headers: Headers;
  // deno-lint-ignore no-explicit-any
  json: any;
}>;
