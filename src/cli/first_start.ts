import { secretPath } from "../config/secrets.ts";

/** How to talk to a member that made its own secrets. `link` is null if no dashboard is built. */
export function firstStartLines(
  dataDir: string,
  apiUrl: string,
  link: string | null,
): string[] {
  const secret = secretPath(dataDir, "secret_api");
  return [
    `API      ${apiUrl}   (routes: ${apiUrl}/openapi.json)`,
    `Secret   in ${secret}`,
    `Try      curl -H "X-API-SECRET: $(cat ${secret})" -H 'content-type: application/json' ${apiUrl}/api/v1/query -d '{"sql":"SELECT sqlite_version()"}'`,
    link === null
      ? "Look     no dashboard is built: deno task dashboard:build, and start again; then: hiqlite open"
      : `Look     ${link}   (works once, for a minute; then: hiqlite open)`,
    "Stop     Ctrl-C",
  ];
}
