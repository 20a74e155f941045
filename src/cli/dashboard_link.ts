import { errorOf } from "../api/error_body.ts";
import { DASHBOARD_LINK, type DashboardLink } from "../api/routes/dashboard.ts";
import { HiqliteError } from "../errors.ts";

/**
 * Has the member at `url` make an address of its dashboard that signs in once, within a minute.
 * @throws {HiqliteError} what the member says; `no_leader` if it cannot be asked.
 */
export async function dashboardLink(
  url: string,
  { secret, fetch, signal }: {
    readonly secret: string;
    readonly fetch: typeof globalThis.fetch;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const body = await linkFrom(url, { secret, fetch, signal })
    .catch((cause: Error) => {
      throw new HiqliteError("no_leader", `${url}: ${cause.message}`, {
        cause,
      });
    });
  const error = errorOf(body);
  if (error !== undefined) {
    throw new HiqliteError(error.code, `${url}: ${error.message}`);
  }
  return `${url}${(body as DashboardLink).path}`;
}

async function linkFrom(
  url: string,
  { secret, fetch, signal }: Parameters<typeof dashboardLink>[1],
): Promise<unknown> {
  const response = await fetch(`${url}${DASHBOARD_LINK.path}`, {
    method: DASHBOARD_LINK.method,
    headers: { "x-api-secret": secret, "content-type": "application/json" },
    body: "{}",
    signal,
  });
  return await response.json();
}
