import { createHash } from "node:crypto";

/** How the cookie of sessions is sent. */
export interface CookieOptions {
  /** Of the cluster: browsers send a cookie to every port of a host, and other clusters may be there. */
  readonly clusterId: string;
  /** Also over connections that are not encrypted. */
  readonly insecure: boolean;
}

/** The name of the cookie. `__Host-` has browsers refuse it from other hosts, and without encryption or loopback. */
export function cookieName({ clusterId, insecure }: CookieOptions): string {
  const short = createHash("sha256").update(clusterId).digest("hex")
    .slice(0, 8);
  return `${insecure ? "" : "__Host-"}hiqlite-${short}`;
}

/** The `Set-Cookie` of a session; with an empty text it is taken away. It lives as long as the browser: the member knows when it ends. */
export function setCookie(options: CookieOptions, text: string): string {
  const secure = options.insecure ? "" : "; Secure";
  const gone = text === "" ? "; Max-Age=0" : "";
  return `${
    cookieName(options)
  }=${text}; Path=/; HttpOnly; SameSite=Strict${secure}${gone}`;
}

/** The text of the session in a request; empty for none. */
export function sessionText(headers: Headers, options: CookieOptions): string {
  const name = `${cookieName(options)}=`;
  const pair = (headers.get("cookie") ?? "").split(/; */)
    .find((one) => one.startsWith(name));
  return pair?.slice(name.length) ?? "";
}
