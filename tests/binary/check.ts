// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Checks a compiled binary: three members of it, with no Deno in reach, form a
 * cluster, replicate, survive the leader's death, stop cleanly, and come back from a
 * backup when all is lost.
 *
 * Usage: check.ts PATH
 *
 * @module
 */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LIBRARY } from "../../native/library.ts";
import { LIBRARY_NAME } from "../../src/state/sqlite/driver/embedded_library.ts";
import { bucketVariables } from "../backup/bucket.ts";
import { freePorts } from "../ports.ts";
import {
  childrenOf,
  printed,
  SEES_CHILDREN,
} from "../state/sqlite/children.ts";
import { S3Stub } from "../s3/stub.ts";

const SECRET = "a-secret-for-the-binary";
const WAIT_MS = 60_000;
const binary = resolve(Deno.args[0] ?? "dist/hiqlite");
const root = await Deno.makeTempDir({ prefix: "hiqlite-binary-" });
const ports = freePorts(6);
const nodes = [1, 2, 3].map((id) =>
  `${id} 127.0.0.1:${ports[2 * id - 2]} 127.0.0.1:${ports[2 * id - 1]}`
);

/** Of the dashboard. */
const PASSWORD = "correct horse battery staple";

/** Added to the environment of every member that is started. */
let extra: Readonly<Record<string, string>> = {
  HQL_PASSWORD_DASHBOARD: await passwordHash(),
  HQL_INSECURE_COOKIE: "true",
};

/** As `hiqlite password` prints it, whose input is a pipe. */
async function passwordHash(): Promise<string> {
  const command = new Deno.Command(binary, {
    args: ["password"],
    clearEnv: true,
    stdin: "piped",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const input = command.stdin.getWriter();
  await input.write(new TextEncoder().encode(`${PASSWORD}\n`));
  await input.close();
  const { code, stdout } = await command.output();
  assert.equal(code, 0);
  return new TextDecoder().decode(stdout).trim();
}

function start(
  id: number,
  settings: Readonly<Record<string, string>> = {},
): Deno.ChildProcess {
  return new Deno.Command(binary, {
    args: ["serve", "--node-id", `${id}`],
    clearEnv: true,
    env: {
      PATH: "/nowhere",
      HOME: root,
      TMPDIR: root,
      HQL_NODES: nodes.join("\n"),
      HQL_DATA_DIR: `${root}/${id}`,
      HQL_SECRET_RAFT: SECRET,
      HQL_SECRET_API: SECRET,
      ...settings,
      ...extra,
    },
    stdout: "null",
    stderr: "inherit",
  }).spawn();
}

function url(id: number, route: string): string {
  return `http://127.0.0.1:${ports[2 * id - 1]}${route}`;
}

async function post(
  id: number,
  route: string,
  body: unknown,
): Promise<Record<string, unknown>> {
  const response = await fetch(url(id, `/api/v1/${route}`), {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-secret": SECRET },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text);
}

async function ready(id: number): Promise<void> {
  const deadline = performance.now() + WAIT_MS;
  while (performance.now() < deadline) {
    const answer = await fetch(url(id, "/ready")).catch(() => null);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await sleep(50);
  }
  throw new Error(`member ${id} is not ready after ${WAIT_MS} ms`);
}

async function cache(
  id: number,
  key: string,
  init?: RequestInit,
): Promise<string | null> {
  const response = await fetch(
    url(
      id,
      `/api/v1/cache/c/${key}${
        init === undefined ? "?consistency=linearizable" : ""
      }`,
    ),
    {
      ...init,
      headers: { "content-type": "text/plain", "x-api-secret": SECRET },
    },
  );
  const text = await response.text();
  assert.ok(response.ok || response.status === 404, text);
  return response.ok ? text : null;
}

async function endAll(): Promise<void> {
  for (const [id, member] of members) {
    member.kill("SIGTERM");
    const { code } = await member.status;
    assert.equal(code, 0, `member ${id} ended with ${code}`);
  }
}

/** With the runtime's SQLite writer and readers are processes: this program again, without its secrets. */
async function checkChildren(): Promise<void> {
  for (const id of members.keys()) {
    members.set(id, start(id, { HQL_SQLITE_DRIVER: "node" }));
  }
  for (const id of members.keys()) await ready(id);
  for (const [id, { pid }] of members) {
    await post(id, "query", { sql: "SELECT count(*) FROM t" });
    const children = (["writer", "reader"] as const)
      .flatMap((role) => childrenOf(pid, role));
    assert.equal(children.length, 2);
    for (const child of children) {
      const environment = printed("cat", `/proc/${child.pid}/environ`);
      assert.doesNotMatch(environment, /HQL_|secret/i);
      assert.equal(
        printed("readlink", `/proc/${child.pid}/exe`).trim(),
        binary,
      );
    }
  }
  await endAll();
  console.log("its children are the binary itself, and know no secret");
}

/** The page is inside, and so is the Worker that checks passwords. */
async function checkDashboard(): Promise<void> {
  const page = await fetch(url(1, "/dashboard/"));
  assert.match(await page.text(), /^<!doctype html>/i);
  const session = await fetch(url(1, "/dashboard/api/session"), {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "sec-fetch-site": "same-origin",
      origin: url(1, ""),
    },
    body: JSON.stringify({ password: PASSWORD }),
  });
  assert.equal(session.status, 200, await session.text());
  console.log("its dashboard is inside, and knows its password");
}

/** The seed's "You lose the full cluster", step by step. */
async function loseAll(): Promise<void> {
  await using stub = new S3Stub();
  extra = { ...bucketVariables(stub), HQL_BACKUP_CRON: "" };
  for (const id of members.keys()) members.set(id, start(id));
  for (const id of members.keys()) await ready(id);
  const { code, stderr } = await new Deno.Command(binary, {
    args: ["backup", "now", "--url", url(1, "")],
    clearEnv: true,
    env: { HQL_SECRET_API: SECRET, HOME: root },
  }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  assert.equal(stub.objects.size, 1);
  await endAll();
  for (const id of members.keys()) {
    await Deno.remove(`${root}/${id}`, { recursive: true });
  }
  extra = { ...extra, HQL_BACKUP_RESTORE: "latest" };
  for (const id of members.keys()) members.set(id, start(id));
  for (const id of members.keys()) await ready(id);
  for (const id of members.keys()) {
    const { rows } = await post(id, "query", { sql: "SELECT count(*) FROM t" });
    assert.deepEqual(rows, [[4]]);
  }
  await endAll();
}

const members = new Map([1, 2, 3].map((id) => [id, start(id)]));
try {
  for (const id of members.keys()) await ready(id);
  console.log("three members of the binary form a cluster");
  if (existsSync(LIBRARY)) {
    for (const id of members.keys()) {
      const metrics = await (await fetch(url(id, "/metrics"), {
        headers: { "x-api-secret": SECRET },
      })).text();
      assert.match(metrics, /^hiqlite_sqlite_info\{engine="libsqlite3",/m);
      const [name] = [...Deno.readDirSync(`${root}/${id}/lib`)];
      assert.ok(name!.name.endsWith(LIBRARY_NAME), name!.name);
    }
    console.log("they run the SQLite library that the binary contains");
  }
  await post(1, "execute", {
    sql: "CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)",
  });
  for (const id of members.keys()) {
    await post(id, "execute", {
      sql: "INSERT INTO t (text) VALUES (?)",
      params: [`from ${id}`],
    });
  }
  await checkDashboard();
  const { leader } = await (await fetch(url(1, "/api/v1/cluster"), {
    headers: { "x-api-secret": SECRET },
  })).json();
  const leaderId = Number.parseInt(leader);
  const other = leaderId % 3 + 1;
  members.get(leaderId)!.kill("SIGKILL");
  await members.get(leaderId)!.status;
  await post(other, "execute", {
    sql: "INSERT INTO t (text) VALUES ('after')",
  });
  console.log("the others go on after its leader was killed");
  members.set(leaderId, start(leaderId));
  await ready(leaderId);
  for (const id of members.keys()) {
    const { rows } = await post(id, "query", {
      sql: "SELECT count(*) FROM t",
      consistency: "linearizable",
    });
    assert.deepEqual(rows, [[4]]);
  }
  console.log("every member reads all four rows, in guarded readers too");
  await cache(other, "kept", { method: "PUT", body: "on the disk" });
  await endAll();
  console.log("SIGTERM ends every member with code 0");
  for (const onDisk of [true, false]) {
    for (const id of members.keys()) {
      const settings = { HQL_CACHE_STORAGE_DISK: `${onDisk}` };
      members.set(id, start(id, settings));
    }
    for (const id of members.keys()) await ready(id);
    const found = await cache(other, "kept");
    assert.equal(found, onDisk ? "on the disk" : null);
    await cache(other, "new", { method: "PUT", body: `${onDisk}` });
    for (const id of members.keys()) {
      assert.equal(await cache(id, "new"), `${onDisk}`);
    }
    await endAll();
  }
  console.log("its caches outlive a restart on the disk, and work in memory");
  if (SEES_CHILDREN) await checkChildren();
  await loseAll();
  console.log(
    "all volumes are lost, and a backup on S3 brings everything back",
  );
} finally {
  for (const member of members.values()) {
    try {
      member.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await member.status;
  }
  await Deno.remove(root, { recursive: true });
}
