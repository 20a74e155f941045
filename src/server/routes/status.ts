import {
  HEALTH,
  METRICS,
  OPENAPI,
  PING,
  READY,
} from "../../api/routes/status.ts";
import type { Member } from "../../node/port.ts";
import type { FailedLogins } from "../failed_logins.ts";
import type { RateLimits } from "../rate_limits.ts";
import { mount, type Mounting, mountMember } from "../mount.ts";
import { openApiDocument } from "../../api/openapi.ts";

/** Mounts the routes that say how the member is. */
export function mountStatus(
  mounting: Mounting,
  member: Member,
  failed: FailedLogins,
  version: string,
): void {
  mount(mounting, PING, () => "pong");
  mountMember(mounting, HEALTH, member);
  mountMember(mounting, READY, member);
  mount(
    mounting,
    METRICS,
    async () =>
      await METRICS.ask(member) + metricsOf(failed, mounting.rates.refused),
  );
  mountDocument(mounting, version);
}

/** Anybody may ask for it, and its text takes half a millisecond: it is made once. */
function mountDocument(
  { app, deliveries }: Mounting,
  version: string,
): void {
  const { method, path } = OPENAPI;
  let text: string | undefined;
  app.on(method, path, (context) => {
    text ??= JSON.stringify(openApiDocument(version));
    return deliveries.response(context, text, 200, "application/json");
  });
}

/** What the member itself does not know, in Prometheus' text format. */
function metricsOf(
  { total }: FailedLogins,
  refused: RateLimits["refused"],
): string {
  const name = "hiqlite_http_unauthorized_total";
  const limited = "hiqlite_http_rate_limited_total";
  return [
    `# HELP ${name} Requests without a valid secret or token`,
    `# TYPE ${name} counter`,
    `${name} ${total}`,
    `# HELP ${limited} Requests refused since their credential's rate limit was used up`,
    `# TYPE ${limited} counter`,
    ...Object.entries(refused).map(([group, count]) =>
      `${limited}{group="${group}"} ${count}`
    ),
    "",
  ].join("\n");
}
