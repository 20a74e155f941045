import assert from "node:assert/strict";
import {
  DASHBOARD_ROUTES,
  type DashboardRoute,
} from "../../../src/api/dashboard/routes.ts";
import { VIEWER_NOTES_MAX } from "../../../src/server/dashboard/audit_log.ts";
import { FakeMember } from "../../client/fake_member.ts";
import { cheapHash, HOST, Page, WRITE_HEADER } from "./with_dashboard.ts";

/** Every route, with who may use it; `+`: only in write mode. */
const ROLES = `
GET session open
POST session open
DELETE session open
GET overview viewer
GET series viewer
GET events viewer
GET schema viewer
POST sql/analyze viewer
POST sql/query viewer
POST sql/write admin+
POST sql/export viewer
POST sql/import admin+
POST members/transfer admin+
POST members/add-learner admin+
POST members/promote admin+
POST members/demote admin+
POST members/remove admin+
GET backups viewer
POST backups admin+
GET backups/file admin
GET cache viewer
POST cache/list viewer
POST cache/get viewer
POST cache/write admin+
GET locks viewer
GET notify viewer
GET audit viewer
GET slow admin
GET settings viewer`.trim().split("\n");

const ROUTES: readonly DashboardRoute[] = Object.values(DASHBOARD_ROUTES);

async function signedIn() {
  const member = new FakeMember();
  const page = new Page({
    password: await cheapHash("everything"),
    viewerPassword: await cheapHash("looking"),
  }, member);
  const cookieOf = async (password: string): Promise<string> =>
    (await page.login({ password })).cookie;
  return {
    page,
    member,
    admin: await cookieOf("everything"),
    viewer: await cookieOf("looking"),
  };
}

Deno.test("every route says who may use it", () => {
  assert.deepEqual(
    ROUTES.map(({ method, path, role, writes }) =>
      `${method} ${path} ${role}${writes ? "+" : ""}`
    ),
    ROLES,
  );
});

Deno.test("every route refuses who may not use it, and lets nobody change anything outside of write mode", async () => {
  const { page, member, admin, viewer } = await signedIn();
  await using _ = page;
  for (const { method, path, role, writes } of ROUTES) {
    if (role === "open") continue;
    const url = `/dashboard/api/${path}`;
    const body = method === "POST" ? { body: {} } : {};
    const ask = async (
      cookie: string | undefined,
      write?: string,
    ): Promise<string> => {
      const { status, json } = await page.ask(method, url, {
        ...body,
        headers: { cookie, [WRITE_HEADER]: write },
      });
      return status === 401 || status === 403
        ? `${status} ${json.error.code}`
        : "let in";
    };
    assert.equal(await ask(undefined, "1"), "401 unauthorized", path);
    const ofViewer = role === "viewer" ? "let in" : "403 forbidden";
    assert.equal(await ask(viewer, "1"), ofViewer, path);
    assert.equal(await ask(admin, "1"), "let in", path);
    assert.equal(
      await ask(admin),
      writes ? "403 forbidden" : "let in",
      path,
    );
  }
  // By the one request that was allowed to and needs no more to be said.
  assert.deepEqual(member.changes, [{ target: undefined }]);
});

/** What a browser says of a request, and whether it is let in. */
const SITES: readonly [string, Record<string, string | undefined>, boolean][] =
  [
    ["same origin", { "sec-fetch-site": "same-origin" }, true],
    ["another site", { "sec-fetch-site": "cross-site" }, false],
    ["another port of the host", { "sec-fetch-site": "same-site" }, false],
    ["typed into the address bar", { "sec-fetch-site": "none" }, false],
    [
      "an old browser, the same origin",
      { "sec-fetch-site": undefined, origin: `http://${HOST}` },
      true,
    ],
    [
      "an old browser, another port",
      { "sec-fetch-site": undefined, origin: "http://127.0.0.1:8201" },
      false,
    ],
    [
      "an old browser, a page without an origin",
      { "sec-fetch-site": undefined, origin: "null" },
      false,
    ],
    ["no browser", { "sec-fetch-site": undefined }, false],
    [
      "another site that names this origin",
      { "sec-fetch-site": "cross-site", origin: `http://${HOST}` },
      false,
    ],
  ];

Deno.test("what another site has a browser send is refused, whoever is signed in", async () => {
  const { page, admin: cookie } = await signedIn();
  await using _ = page;
  for (const [what, headers, letIn] of SITES) {
    for (
      const [method, path] of [
        ["POST", "sql/query"],
        ["POST", "session"],
        ["DELETE", "session"],
      ] as const
    ) {
      const { json } = await page.ask(method, `/dashboard/api/${path}`, {
        ...(method === "POST" ? { body: { sql: 1 } } : {}),
        headers: path === "session" ? headers : { ...headers, cookie },
      });
      const refused = json.error?.code === "forbidden";
      assert.equal(refused, !letIn, `${what}: ${method} ${path}`);
    }
    const get = await page.ask("GET", "/dashboard/api/overview", {
      headers: { ...headers, cookie },
    });
    assert.equal(get.status, 200, what);
  }
});

Deno.test("a member that only this machine reaches knows its names: a site that leads there is refused", async () => {
  await using page = new Page({
    password: await cheapHash("a"),
    hosts: ["db.local"],
  });
  const at = async (host: string): Promise<number> =>
    (await page.ask("GET", "/dashboard/api/session", { headers: { host } }))
      .status;
  for (
    const host of [
      "127.0.0.1:8200",
      "localhost:8200",
      "[::1]:8200",
      "db.local:8200",
      "DB.local",
      "hiqlite.localhost",
    ]
  ) assert.equal(await at(host), 200, host);
  for (
    const host of [
      "evil.example:8200",
      "127.0.0.1.evil.example",
      "localhost.evil.example:8200",
      "",
    ]
  ) assert.equal(await at(host), 403, host);
});

Deno.test("bodies are JSON and say so", async () => {
  const { page, admin: cookie } = await signedIn();
  await using _ = page;
  for (const { method, path, role, writes } of ROUTES) {
    if (method !== "POST" || role === "open") continue;
    for (
      const type of [undefined, "text/plain", "multipart/form-data; boundary=x"]
    ) {
      const { status } = await page.ask("POST", `/dashboard/api/${path}`, {
        body: {},
        headers: {
          cookie,
          "content-type": type,
          [WRITE_HEADER]: writes ? "1" : undefined,
        },
      });
      assert.equal(status, 415, `${path} ${type}`);
    }
  }
});

Deno.test("what is written is remembered: who, from where, what and its place; a statement that failed, too", async () => {
  const page = new Page({
    addressOf: (request) => request.headers.get("x-test-from") ?? "",
  });
  await using _ = page;
  const cookie = await page.admin();
  const write = (sql: string, key: string) =>
    page.ask("POST", "/dashboard/api/sql/write", {
      body: { statements: [{ sql, params: [] }] },
      headers: {
        cookie,
        [WRITE_HEADER]: "1",
        "idempotency-key": key,
        "x-test-from": "10.0.0.9",
      },
    });
  const { json: made } = await write("CREATE TABLE t (n)", "1");
  const { json: written } = await write("INSERT INTO t VALUES (1), (2)", "2");
  assert.equal(written.results[0].rows_affected, 2);
  const again = await write("INSERT INTO t VALUES (1), (2)", "2");
  assert.deepEqual(again.json, written);
  assert.equal((await write("INSERT INTO gone VALUES (1)", "3")).status, 400);
  const { json } = await page.ask("GET", "/dashboard/api/audit", {
    headers: { cookie },
  });
  // deno-lint-ignore no-explicit-any
  const told = json.entries.map((entry: any) => [
    entry.action,
    entry.detail,
    entry.outcome,
    entry.rows,
    entry.write_index,
    entry.address,
  ]);
  assert.deepEqual(told.slice(1), [
    [
      "write",
      "INSERT INTO t VALUES (1), (2)",
      "done",
      2,
      written.index,
      "10.0.0.9",
    ],
    [
      "write",
      "INSERT INTO t VALUES (1), (2)",
      "done",
      2,
      written.index,
      "10.0.0.9",
    ],
    ["write", "CREATE TABLE t (n)", "done", 0, made.index, "10.0.0.9"],
    ["login", "link", "done", null, null, ""],
    ["link", "", "done", null, null, ""],
  ]);
  assert.deepEqual(told[0].slice(0, 4), [
    "write",
    "INSERT INTO gone VALUES (1)",
    "sql",
    null,
  ]);
});

Deno.test("what viewers are refused or do too often is no write of the cluster", async () => {
  const page = new Page({
    viewerPassword: await cheapHash("look"),
    clock: { monotonic: () => 0, wall: Date.now },
  });
  await using _ = page;
  const { cookie } = await page.login({ password: "look" });
  const send = async (sql: string) =>
    (await page.ask("POST", "/dashboard/api/sql/export", {
      body: { sql },
      headers: { cookie },
    })).status;
  for (let i = 0; i < 5; i++) {
    assert.equal(await send("SELECT * FROM gone"), 400);
  }
  const exported = () =>
    page.member.audit.latest().filter(({ action }) => action === "export");
  assert.equal(exported().length, 0);
  for (let i = 0; i < VIEWER_NOTES_MAX + 5; i++) {
    assert.equal(await send("SELECT 1"), 200);
  }
  // The login was a note, too.
  assert.equal(exported().length, VIEWER_NOTES_MAX - 1);
});

Deno.test("the parts of a file say of which one they are, and how much of it was done", async () => {
  await using page = new Page();
  const cookie = await page.admin();
  const headers = { cookie, [WRITE_HEADER]: "1" };
  let key = 0;
  const ask = (path: string, body: unknown) =>
    page.ask("POST", `/dashboard/api/sql/${path}`, {
      body,
      headers: { ...headers, "idempotency-key": `part ${key++}` },
    });
  const file = encodeURIComponent(`näme.sql${"x".repeat(300)}`);
  const statements = [
    { sql: "CREATE TABLE t (n)", params: [] },
    { sql: "INSERT INTO t VALUES (1)", params: [] },
  ];
  await ask(`write?run=r1&file=${file}`, { statements });
  await ask(`write?run=r1&file=${file}`, {
    statements: [{ sql: "INSERT INTO gone VALUES (1)", params: [] }],
  });
  await ask("import?run=r2&file=t.csv", {
    table: "t",
    columns: ["n"],
    rows: [[1], [2]],
  });
  const wrong = await ask("write?run=a%20b", { statements });
  assert.match(wrong.json.error.message, /^run: expected 1 to 64 of .* "a b"$/);
  const { json } = await page.ask("GET", "/dashboard/api/audit", {
    headers: { cookie },
  });
  assert.deepEqual(
    // deno-lint-ignore no-explicit-any
    json.entries.slice(0, 3).map((entry: any) => [
      entry.action,
      entry.detail.slice(0, 18),
      entry.outcome,
      entry.file,
      entry.count,
    ]),
    [
      ["import", "rows into t", "done", "t.csv", 2],
      ["write", "INSERT INTO gone V", "sql", `näme.sql${"x".repeat(192)}`, 0],
      ["write", "CREATE TABLE t (n)", "done", `näme.sql${"x".repeat(192)}`, 2],
    ],
  );
  assert.equal(json.entries[3].file, null);
});
