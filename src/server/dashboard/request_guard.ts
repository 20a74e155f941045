import { HiqliteError } from "../../errors.ts";

/**
 * Refuses a request that another site had a browser send: browsers say so, or say at least which page sent it.
 * @throws {HiqliteError} `forbidden`
 */
export function refuseCrossSite({ method, headers }: Request): void {
  if (method === "GET" || method === "HEAD") return;
  const site = headers.get("sec-fetch-site");
  if (site === "same-origin") return;
  if (site !== null) {
    throw new HiqliteError(
      "forbidden",
      `The request comes from another site (Sec-Fetch-Site: ${
        site.slice(0, 20)
      }): open the dashboard itself`,
    );
  }
  const origin = headers.get("origin");
  // A proxy tells whom the browser asked. No page can say that of itself without asking first, and none is allowed to.
  const asked = headers.get("x-forwarded-host") ?? headers.get("host");
  if (origin !== null && hostOf(origin) === asked) return;
  throw new HiqliteError(
    "forbidden",
    origin === null
      ? "The request says neither Sec-Fetch-Site nor Origin: it comes from no page of the dashboard"
      : "The Origin of the request is another host than the one that was asked: open the dashboard itself",
  );
}

/**
 * Refuses names of this machine that are not known here: a page of somebody else can be given the name of its own
 * site, which then leads to this machine. `hosts` are the names that are expected, without ports; undefined: any.
 * @throws {HiqliteError} `forbidden`
 */
export function refuseStrangeHost(
  headers: Headers,
  hosts: readonly string[] | undefined,
): void {
  if (hosts === undefined) return;
  const host = nameOf(headers.get("host") ?? "");
  if (isLoopbackName(host) || hosts.includes(host)) return;
  throw new HiqliteError(
    "forbidden",
    `This member serves its dashboard to this machine alone, and ${
      JSON.stringify(host.slice(0, 80))
    } is no name of it: open it by 127.0.0.1 or localhost`,
  );
}

/** Whether a name or address, without a port, is of this machine for sure. */
export function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") ||
    name === "[::1]" || name === "::1" ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

function nameOf(host: string): string {
  return host.toLowerCase().replace(/:\d*$/, "");
}

function hostOf(origin: string): string | null {
  return URL.parse(origin)?.host ?? null;
}
