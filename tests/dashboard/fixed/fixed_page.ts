import { DASHBOARD_ROUTES } from "../../../src/api/dashboard/routes.ts";
import type { JsonSession } from "../../../src/api/dashboard/session.ts";
import { builtDashboard } from "../../../src/server/dashboard/page.ts";
import { SECURITY_HEADERS } from "../../../src/server/dashboard/security_headers.ts";
import {
  type FixedCluster,
  fixedEvents,
  fixedOverview,
  fixedSeries,
  NOW_MS,
} from "./cluster.ts";
import { FIXED_SCHEMA, fixedCustomers } from "./shop.ts";

/** The page as it is served, with answers that are always the same: pictures of it can be compared. */
export class FixedPage implements AsyncDisposable {
  /** What the cluster looks like from now on. */
  cluster: FixedCluster = { nodes: 3 };
  readonly #server: Deno.HttpServer<Deno.NetAddr>;

  private constructor(
    serve: (page: FixedPage) => Deno.HttpServer<Deno.NetAddr>,
  ) {
    this.#server = serve(this);
  }

  /** Serves what was built on a free port. @throws {Error} if nothing was. */
  static async start(): Promise<FixedPage> {
    const built = await builtDashboard();
    if (built === null) {
      throw new Error("There is no page: run `deno task dashboard:build`");
    }
    return new FixedPage((page) =>
      Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen: () => {} },
        async (request) => {
          const path = new URL(request.url).pathname.slice(
            "/dashboard/".length,
          );
          const response = path.startsWith("api/")
            ? await page.#answer(path.slice("api/".length), request)
            : built.response(path, request);
          const found = response ?? new Response(null, { status: 404 });
          for (const [name, value] of Object.entries(SECURITY_HEADERS)) {
            found.headers.set(name, value);
          }
          return found;
        },
      )
    );
  }

  /** Where the page is. */
  get base(): string {
    return `http://127.0.0.1:${this.#server.addr.port}/dashboard/`;
  }

  async #answer(path: string, request: Request): Promise<Response | null> {
    switch (path) {
      case DASHBOARD_ROUTES.session.path:
        return Response.json(SESSION);
      case DASHBOARD_ROUTES.overview.path:
        return Response.json(fixedOverview(this.cluster));
      case DASHBOARD_ROUTES.series.path:
        return Response.json(fixedSeries(this.cluster));
      case DASHBOARD_ROUTES.events.path:
        return Response.json(fixedEvents());
      case DASHBOARD_ROUTES.schema.path:
        return Response.json(FIXED_SCHEMA);
      case DASHBOARD_ROUTES.query.path:
        await request.body?.cancel();
        return Response.json(fixedCustomers());
      default:
        return null;
    }
  }

  /** Ends the server. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
  }
}

const SESSION: JsonSession = {
  role: "admin",
  idle_until_ms: NOW_MS + 15 * 60_000,
  ends_ms: NOW_MS + 8 * 3_600_000,
  now_ms: NOW_MS,
  cluster_id: "7551c32d-64f5-4c1a-9b3e-0d5f6f0f2c11",
  node_id: 1,
  version: "0.1.0",
  insecure: false,
  password_login: true,
  features: { caches: true, viewer: true },
};
