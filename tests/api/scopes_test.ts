import assert from "node:assert/strict";
import { RESOURCES, ROUTES } from "../../src/api/openapi.ts";
import { createApp } from "../../src/server/app.ts";
import { SCOPES } from "./route_scopes.ts";
import { FakeMember } from "../client/fake_member.ts";

Deno.test("every route says what its caller must be allowed to do", () => {
  const declared = [
    ...ROUTES.map((route) => ({ ...route, limited: route.caches })),
    ...Object.values(RESOURCES).map((route) => ({
      ...route,
      limited: route.ofCaches,
    })),
  ].map(({ method, path, scope, limited }) =>
    `${method} ${path} ${scope}${limited === undefined ? "" : "*"}`
  );
  assert.deepEqual(declared.sort(), SCOPES);
});

Deno.test("every route that is mounted is one that says so", async () => {
  const member = new FakeMember();
  const { routes } = createApp(member, { secretApi: "-" });
  await member.shutdown();
  const mounted = routes.filter(({ method }) => method !== "ALL")
    .map(({ method, path }) =>
      `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`
    );
  assert.deepEqual(
    mounted.sort(),
    SCOPES.map((line) => line.slice(0, line.lastIndexOf(" "))).sort(),
  );
});
