import assert from "node:assert/strict";
import { createApp } from "../../src/server/app.ts";
import { SECRET, withApp } from "./with_app.ts";

Deno.test("every route below /api asks for the secret", () =>
  withApp(async (ask, member) => {
    const app = createApp(member, { secretApi: SECRET });
    const routes = app.routes.filter(({ path, method }) =>
      path.startsWith("/api/v1") && method !== "ALL"
    );
    assert(routes.length >= 11, `${routes.length} routes`);
    for (const { method, path } of routes) {
      for (const secret of ["", "wrong", `${SECRET}x`, SECRET.slice(1)]) {
        const { status, json } = await ask(path, undefined, {
          method,
          headers: secret === "" ? {} : { "x-api-secret": secret },
        });
        assert.equal(status, 401, `${method} ${path} with "${secret}"`);
        assert.equal(json.error.code, "unauthorized");
        assert(!JSON.stringify(json).includes(SECRET));
      }
    }
    assert.equal(member.writes.length + member.queries.length, 0);
  }, { failedLoginMs: 0 }));

Deno.test("an unknown path below /api tells nothing without the secret", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/nothing", undefined, { headers: {} });
    assert.equal(status, 401);
  }));

Deno.test("the secret may come as Bearer token", () =>
  withApp(async (ask) => {
    const { status } = await ask("/api/v1/cluster", undefined, {
      headers: { authorization: `Bearer ${SECRET}` },
    });
    assert.equal(status, 200);
  }));

Deno.test("/ping, /health, /ready and /metrics ask for no secret", () =>
  withApp(async (ask) => {
    for (const path of ["/ping", "/health", "/ready", "/metrics"]) {
      const { status } = await ask(path, undefined, { headers: {} });
      assert.equal(status, 200, path);
    }
    const { json, headers } = await ask("/metrics");
    assert.match(json, /hiqlite_applied_index 1/);
    assert.match(headers.get("content-type")!, /version=0\.0\.4/);
  }));

Deno.test("/health and /ready answer 503 with the reason", () =>
  withApp(async (ask, member) => {
    member.healthy = { ok: false, detail: "no leader" };
    for (const path of ["/health", "/ready"]) {
      const { status, json } = await ask(path);
      assert.equal(status, 503);
      assert.deepEqual(json, { ok: false, detail: "no leader" });
    }
  }));

Deno.test("GET /cluster answers the status in snake case", () =>
  withApp(async (ask) => {
    const { json } = await ask("/api/v1/cluster");
    assert.equal(json.cluster_id, "c0ffee");
    assert.equal(json.members[0].api_address, "127.0.0.1:8200");
  }));

Deno.test("POST /cluster/… hands changes to the member", () =>
  withApp(async (ask, member) => {
    await ask("/api/v1/cluster/add-learner", {
      node_id: 4,
      raft_address: "a:1",
      api_address: "a:2",
    });
    await ask("/api/v1/cluster/promote", { node_id: 4 });
    await ask("/api/v1/cluster/demote", { node_id: 4 });
    await ask("/api/v1/cluster/remove", { node_id: 4 });
    await ask("/api/v1/cluster/transfer", {});
    const moved = await ask("/api/v1/cluster/transfer", { node_id: 2 });
    assert.equal(moved.status, 200);
    assert.deepEqual(member.changes, [
      {
        action: "add-learner",
        nodeId: 4,
        raftAddress: "a:1",
        apiAddress: "a:2",
      },
      { action: "promote", nodeId: 4 },
      { action: "demote", nodeId: 4 },
      { action: "remove", nodeId: 4 },
      { target: undefined },
      { target: 2 },
    ]);
  }));

Deno.test("the OpenAPI document and the routes name the same operations", () =>
  withApp(async (ask, member) => {
    const { json } = await ask("/openapi.json", undefined, { headers: {} });
    const documented = Object.entries(json.paths).flatMap(([path, item]) =>
      Object.keys(item as object).map((verb) => `${verb.toUpperCase()} ${path}`)
    ).sort();
    const routes = createApp(member, { secretApi: SECRET }).routes
      .filter(({ method }) => method !== "ALL")
      .map(({ method, path }) =>
        `${method} ${path.replaceAll(/:(\w+)/g, "{$1}")}`
      ).sort();
    assert.deepEqual(documented, routes);
  }));

Deno.test("every reference in the OpenAPI document leads somewhere", () =>
  withApp(async (ask) => {
    const { json } = await ask("/openapi.json");
    const references = [
      ...JSON.stringify(json).matchAll(/"\$ref":"#\/components\/([^"]+)"/g),
    ].map((match) => match[1]!);
    assert(references.length > 10);
    for (const reference of references) {
      const [kind, name] = reference.split("/");
      assert(json.components[kind!][name!], reference);
    }
  }));
