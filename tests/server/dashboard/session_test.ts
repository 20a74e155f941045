import assert from "node:assert/strict";
import { HiqliteError } from "../../../src/errors.ts";
import type { AuditEntry } from "../../../src/node/audit_port.ts";
import { FakeMember } from "../../client/fake_member.ts";
import { BACKGROUND_HEADER, cheapHash, HOST, Page } from "./with_dashboard.ts";

const SESSION = "/dashboard/api/session";
const OVERVIEW = "/dashboard/api/overview";

/** Hiqlite's documented sample, and its password. */
const SAMPLE =
  "JGFyZ29uMmlkJHY9MTkkbT0xOTQ1Nix0PTIscD0xJGQ2RlJDYTBtaS9OUnkvL1RubmZNa0EkVzJMeTQrc1dxZ0FGd0RyQjBZKy9iWjBQUlZlOTdUMURwQkk5QUoxeW1wRQ==";
const SAMPLE_PASSWORD = "123SuperMegaSafe";

Deno.test("Hiqlite's hash lets its password in, and no other", async () => {
  await using page = new Page({ password: SAMPLE });
  const wrong = await page.login({ password: "123SuperMegaSaf" });
  assert.equal(wrong.status, 401);
  assert.equal(wrong.json.error.code, "unauthorized");
  assert.equal(wrong.cookie, "");
  const right = await page.login({ password: SAMPLE_PASSWORD });
  assert.equal(right.status, 200);
  assert.equal(right.json.role, "admin");
  const { status } = await page.ask("GET", OVERVIEW, {
    headers: { cookie: right.cookie },
  });
  assert.equal(status, 200);
});

Deno.test("the cookie of a session is for this host alone, by TLS, from this site, and for no script", async () => {
  await using page = new Page();
  const reply = await page.login({ link: await page.link() });
  assert.match(
    reply.headers.get("set-cookie")!,
    /^__Host-hiqlite-[0-9a-f]{8}=v1\.admin\.[\w.-]+; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  );
  await using insecure = new Page({ insecureCookie: true });
  const plain = await insecure.login({ link: await insecure.link() });
  assert.match(
    plain.headers.get("set-cookie")!,
    /^hiqlite-[0-9a-f]{8}=v1\.admin\.[\w.-]+; Path=\/; HttpOnly; SameSite=Strict$/,
  );
});

Deno.test("who is signed in is told, and to who is not, no more than how to", async () => {
  await using page = new Page({ password: await cheapHash("a") });
  const nobody = await page.ask("GET", SESSION);
  assert.equal(nobody.status, 200);
  assert.deepEqual(nobody.json, {
    role: null,
    idle_until_ms: null,
    ends_ms: null,
    now_ms: nobody.json.now_ms,
    cluster_id: null,
    node_id: 1,
    version: "1.2.3",
    insecure: false,
    password_login: true,
    features: nobody.json.features,
  });
  const cookie = await page.admin();
  const { json } = await page.ask("GET", SESSION, { headers: { cookie } });
  assert.equal(json.role, "admin");
  assert.equal(json.ends_ms - json.now_ms > 7.9 * 3_600_000, true);
  const far = await page.ask("GET", SESSION, {
    headers: { host: "db.example.com" },
  });
  assert.equal(far.json.insecure, true);
});

Deno.test("each password has its role, and viewers are told that they are", async () => {
  const options = {
    password: await cheapHash("everything"),
    viewerPassword: await cheapHash("looking"),
  };
  await using page = new Page(options);
  const viewer = await page.login({ password: "looking" });
  assert.equal(viewer.json.role, "viewer");
  const admin = await page.login({ password: "everything" });
  assert.equal(admin.json.role, "admin");
  // A session does not become another by its text.
  const forged = viewer.cookie.replace("v1.viewer.", "v1.admin.");
  const { status } = await page.ask("GET", OVERVIEW, {
    headers: { cookie: forged },
  });
  assert.equal(status, 401);
});

Deno.test("a link signs in once", async () => {
  await using page = new Page();
  const link = await page.link();
  assert.match(link, /^[0-9a-z]+\.[\w-]{22}\.[\w-]{43}$/);
  assert.equal((await page.login({ link })).status, 200);
  const again = await page.login({ link });
  assert.equal(again.status, 401);
  assert.match(again.json.error.message, /used already/);
  assert.equal((await page.login({ link: "x".repeat(43) })).status, 401);
});

Deno.test("a link that one member made signs in at another one, once in all", async () => {
  const member = new FakeMember();
  await using one = new Page({}, member);
  // The same state and configuration, in another process.
  const other = new Page({}, member);
  assert.equal((await other.ask("GET", SESSION)).status, 404);
  const link = await one.link();
  assert.equal((await other.ask("GET", SESSION)).status, 200);
  const forged = `${link.slice(0, -43)}${"A".repeat(43)}`;
  assert.equal((await other.login({ link: forged })).status, 401);
  const later = `z${link.slice(1)}`;
  assert.equal((await other.login({ link: later })).status, 401);
  assert.equal((await other.login({ link })).status, 200);
  assert.equal((await one.login({ link })).status, 401);
  assert.equal((await other.login({ link })).status, 401);
  const [{ action, detail }] = member.audit.latest() as [AuditEntry];
  assert.deepEqual([action, detail], ["login", "link"]);
  assert.equal(member.audit.latest().length, 2);
});

Deno.test("a link works for a minute, by the clock of the member that is asked", async () => {
  const clock = { monotonic: () => 0, wall: () => Date.now() + 60_000 };
  const member = new FakeMember();
  await using one = new Page({}, member);
  const other = new Page({ clock }, member);
  const link = await one.link();
  assert.equal((await other.login({ link })).status, 401);
  assert.equal((await one.login({ link })).status, 200);
});

Deno.test("while nobody leads a link signs in at the member that made it, once", async () => {
  const member = new FakeMember();
  member.audit.spend = () =>
    Promise.reject(new HiqliteError("no_leader", "Nobody leads"));
  await using one = new Page({}, member);
  const other = new Page({}, member);
  const link = await one.link();
  const elsewhere = await other.login({ link });
  assert.equal(elsewhere.status, 401);
  assert.match(elsewhere.json.error.message, /Nobody leads/);
  assert.equal((await one.login({ link })).status, 200);
  assert.equal((await one.login({ link })).status, 401);
});

Deno.test("a link is made for the API secret alone", async () => {
  await using page = new Page();
  const { status } = await page.ask("POST", "/api/v1/dashboard/link", {
    body: {},
    headers: { "x-api-secret": "wrong-secret-0123456789" },
  });
  assert.equal(status, 401);
});

Deno.test("without a password and a link there is no dashboard", async () => {
  await using page = new Page();
  for (const path of ["/dashboard", "/dashboard/", SESSION, "/"]) {
    const reply = await page.ask("GET", path, {
      headers: { accept: "text/html" },
    });
    assert.equal(reply.status, 404, path);
  }
  assert.equal((await page.login({ password: "a" })).status, 404);
  await page.link();
  assert.equal((await page.ask("GET", SESSION)).status, 200);
  const { status, json } = await page.login({ password: "a" });
  assert.equal(status, 401);
  assert.match(json.error.message, /hiqlite open/);
});

Deno.test("every member of a cluster takes a session of another one, until somebody signs out", async () => {
  const password = await cheapHash("a");
  const member = new FakeMember();
  await using one = new Page({ password }, member);
  // The same state and configuration, in another process.
  const other = new Page({ password }, member);
  const { cookie } = await one.login({ password: "a" });
  const at = async (page: Page): Promise<number> =>
    (await page.ask("GET", OVERVIEW, { headers: { cookie } })).status;
  assert.equal(await at(other), 200);
  const out = await one.ask("DELETE", SESSION, { headers: { cookie } });
  assert.deepEqual(out.json, { everywhere: true });
  assert.match(out.headers.get("set-cookie")!, /=; .*Max-Age=0$/);
  assert.equal(await at(one), 401);
  assert.equal(await at(other), 401);
});

Deno.test("another password ends all sessions of its role", async () => {
  const member = new FakeMember();
  await using one = new Page({ password: await cheapHash("a") }, member);
  const { cookie } = await one.login({ password: "a" });
  const other = new Page({ password: await cheapHash("a") }, member);
  const { status } = await other.ask("GET", OVERVIEW, { headers: { cookie } });
  assert.equal(status, 401);
});

Deno.test("a login is a small JSON object with one of two fields", async () => {
  await using page = new Page({ password: await cheapHash("a") });
  for (const body of [{}, { password: 1 }, { user: "a" }, [], "a"]) {
    assert.equal((await page.login(body)).status, 400, JSON.stringify(body));
  }
  const long = await page.login({ password: "x".repeat(10_000) });
  assert.equal(long.status, 413);
  const typed = await page.login({ password: "a" }, {
    "content-type": "text/plain",
  });
  assert.equal(typed.status, 415);
  assert.equal((await page.login({ password: "x".repeat(1025) })).status, 401);
});

Deno.test("who is not let in has to wait longer each time, by address; others do not, nor does this machine", async () => {
  const clock = { now: 0, monotonic: () => clock.now, wall: Date.now };
  await using page = new Page({
    password: await cheapHash("right"),
    clock,
    addressOf: (request) => request.headers.get("x-test-from") ?? "",
  });
  const from = (address: string, password: string) =>
    page.login({ password }, { "x-test-from": address });
  assert.equal((await from("10.0.0.1", "wrong")).status, 401);
  for (const seconds of [1, 2, 4, 8, 16, 30, 30]) {
    const wrong = await from("10.0.0.1", "wrong");
    assert.equal(wrong.status, 401);
    assert.equal(wrong.json.retry_after_ms, 1000 * seconds);
    clock.now += 1000 * seconds - 1;
    const early = await from("10.0.0.1", "right");
    assert.equal(early.status, 429);
    assert.equal(early.headers.get("retry-after"), "1");
    assert.equal(early.json.retry_after_ms, 1);
    clock.now++;
  }
  assert.equal((await from("10.0.0.1", "wrong")).status, 401);
  assert.equal((await from("10.0.0.2", "right")).status, 200);
  const byLink = await page.login({ link: await page.link() }, {
    "x-test-from": "10.0.0.1",
  });
  assert.equal(byLink.status, 200);
  for (let attempt = 0; attempt < 4; attempt++) {
    assert.equal((await from("127.0.0.1", "wrong")).status, 401);
  }
  assert.equal((await from("127.0.0.1", "right")).status, 200);
  // Whoever has one IPv6 address has many: they are one.
  for (const address of ["2001:db8::1", "2001:db8::2"]) {
    assert.equal((await from(address, "wrong")).status, 401);
  }
  assert.equal((await from("2001:db8:0:0:9::3", "right")).status, 429);
  assert.equal((await from("2001:db8:0:1::1", "right")).status, 200);
});

Deno.test("a session ends when its page asks nothing for 15 minutes, and after 8 hours; polls do not prolong it", async () => {
  const clock = {
    now: 1_700_000_000_000,
    monotonic: () => 0,
    wall: () => clock.now,
  };
  const minute = 60_000;
  await using page = new Page({ clock });
  let cookie = await page.admin();
  const ask = async (background: boolean): Promise<number> => {
    const reply = await page.ask("GET", OVERVIEW, {
      headers: { cookie, [BACKGROUND_HEADER]: background ? "1" : undefined },
    });
    if (reply.cookie !== "") cookie = reply.cookie;
    return reply.status;
  };
  clock.now += 14 * minute;
  assert.equal(await ask(true), 200);
  assert.equal(await ask(false), 200);
  clock.now += 14 * minute;
  assert.equal(await ask(true), 200);
  clock.now += minute;
  assert.equal(await ask(true), 401);
  cookie = await page.admin();
  for (let passed = 0; passed < 8 * 60 - 10; passed += 10) {
    clock.now += 10 * minute;
    assert.equal(await ask(false), 200);
  }
  clock.now += 10 * minute;
  assert.equal(await ask(false), 401);
});

Deno.test("a connection on which nobody is signed in ends, so that the next login tells from where it comes", async () => {
  await using page = new Page({ password: await cheapHash("a") });
  const nobody = await page.ask("GET", SESSION);
  assert.equal(nobody.headers.get("connection"), "close");
  const { cookie } = await page.login({ password: "a" });
  const somebody = await page.ask("GET", SESSION, { headers: { cookie } });
  assert.equal(somebody.headers.get("connection"), null);
  assert.equal(HOST.startsWith("127."), true);
});
