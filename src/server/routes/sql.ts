import type { Member } from "../../node/port.ts";
import { clientOf } from "./client_of.ts";
import { mount, type Mounting } from "../mount.ts";
import type { QueryLimits } from "../../state/sql/types.ts";
import { QUERY, WRITES } from "../../api/routes/sql.ts";

/** Mounts the routes of the database; `limits` are the most that a query may ask for. */
export function mountSql(
  mounting: Mounting,
  member: Member,
  limits: QueryLimits,
): void {
  for (const route of Object.values(WRITES)) {
    mount(
      mounting,
      route,
      (request, { key }) => route.ask(member, { ...request, ...key }),
    );
  }
  mount(mounting, QUERY, (request, { access }) => {
    const asked = request.limits?.timeoutMs ?? limits.timeoutMs;
    const timeoutMs = Math.min(asked, limits.timeoutMs);
    return QUERY.ask(member, {
      ...request,
      // A query from outside must not hold a thread for ever.
      guarded: true,
      client: clientOf(access),
      limits: { ...limits, timeoutMs },
    });
  });
}
