import assert from "node:assert/strict";
import { Page } from "./with_dashboard.ts";

Deno.test("slow statements of every member that answers, with the limits that count there, and who does not", async () => {
  await using page = new Page();
  const { json } = await page.ask("GET", "/dashboard/api/slow", {
    headers: { cookie: await page.admin() },
  });
  assert.deepEqual(json, {
    members: [
      {
        node_id: 1,
        limit_ms: 250,
        statements: [{
          at_ms: 1_000,
          kind: "query",
          sql: "SELECT 1",
          ms: 300,
          failure: null,
        }],
      },
      { node_id: 2, limit_ms: null, statements: [] },
    ],
    silent: [3],
  });
});
