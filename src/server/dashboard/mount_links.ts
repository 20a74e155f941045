import { DASHBOARD_LINK } from "../../api/routes/dashboard.ts";
import { HiqliteError } from "../../errors.ts";
import { mount, type Mounting } from "../mount.ts";
import type { Dashboard } from "./dashboard.ts";
import { LINK_MS } from "./login_links.ts";

/** Mounts the route of the API that makes links which sign in to a dashboard; undefined: there is none. */
export function mountLinks(
  mounting: Mounting,
  dashboard: Pick<Dashboard, "tellLink"> | undefined,
): void {
  mount(mounting, DASHBOARD_LINK, async () => {
    if (dashboard === undefined) {
      throw new HiqliteError("conflict", "This member serves no dashboard");
    }
    return { path: await dashboard.tellLink(), expires_in_ms: LINK_MS };
  });
}
