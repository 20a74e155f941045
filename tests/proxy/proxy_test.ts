// deno-lint-ignore-file no-console -- the figures of a run are worth seeing
import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { Program } from "../cli/program.ts";
import { poll, SECRET_API, TestCluster } from "../cluster/harness.ts";

/** A proxy in a process of its own before a cluster. */
interface Fixture {
  readonly cluster: TestCluster;
  readonly url: string;
  ask(path: string, init?: RequestInit): Promise<Response>;
}

/** A proxy before these members. */
function proxyOf(
  cluster: TestCluster,
  environment: Record<string, string> = {},
): Program {
  const apis = cluster.nodes.map((node) =>
    new URL(cluster.network.apiUrl(node))
  );
  const nodes = apis.map(({ host }, at) =>
    `${at + 1} 127.0.0.1:${at + 1} ${host}`
  );
  return new Program(["proxy", "--no-config-file"], {
    HQL_NODES: nodes.join("\n"),
    HQL_SECRET_API: SECRET_API,
    HQL_LISTEN_ADDR_API: "127.0.0.1",
    LISTEN_PORT: "0",
    ...environment,
  }, ["127.0.0.1", ...apis.map(({ hostname }) => hostname)]);
}

async function withProxy(test: (fixture: Fixture) => Promise<void>) {
  await using cluster = await TestCluster.start();
  await using program = proxyOf(cluster);
  const [, url] = await program.line(/"api":"(http:[^"]+)"/);
  await test({
    cluster,
    url: url!,
    ask: (path, init = {}) =>
      fetch(`${url}${path}`, {
        ...init,
        headers: {
          "x-api-secret": SECRET_API,
          "content-type": "application/json",
          ...init.headers as Record<string, string>,
        },
      }),
  });
}

Deno.test("a proxy before three members", async (t) => {
  await withProxy(async (fixture) => {
    await t.step(
      "it passes on what they answer: errors, streams, things with paths of their own, and whom it does not know",
      () => passesOn(fixture),
    );
    await t.step(
      "members that restart one after the other and leaders that are killed cost a client no request, and each write is applied once",
      () => restarts(fixture),
    );
    await t.step(
      "it says that nobody answers, when nobody does, and takes no body that is too large",
      () => nobodyAnswers(fixture),
    );
  });
});

async function restarts({ cluster, ask }: Fixture): Promise<void> {
  const made = await ask("/api/v1/execute", {
    method: "POST",
    body: '{"sql":"CREATE TABLE t (client INTEGER, n INTEGER)"}',
  });
  assert.equal(made.status, 200, await made.text());
  const ended = new AbortController();
  const failures: string[] = [];
  let reads = 0;
  const writer = async (client: number): Promise<number> => {
    let n = 0;
    while (!ended.signal.aborted) {
      const response = await ask("/api/v1/execute", {
        method: "POST",
        body: `{"sql":"INSERT INTO t VALUES (${client}, ${n})"}`,
      });
      const text = await response.text();
      if (response.status !== 200) failures.push(`${n}: ${text}`);
      n++;
    }
    return n;
  };
  const reader = async (): Promise<void> => {
    while (!ended.signal.aborted) {
      const response = await ask("/api/v1/query", {
        method: "POST",
        body: '{"sql":"SELECT count(*) FROM t","consistency":"linearizable"}',
      });
      const text = await response.text();
      if (response.status !== 200) failures.push(`read: ${text}`);
      reads++;
    }
  };
  const clients = [1, 2, 3, 4].map(writer);
  const readers = [reader(), reader()];
  for (const node of cluster.nodes) {
    await cluster.process(node)!.terminate();
    await cluster.startMember(node);
    await cluster.waitReady([node]);
  }
  for (let kill = 0; kill < 2; kill++) {
    const leader = await cluster.waitLeader();
    await cluster.process(leader)!.kill();
    await cluster.startMember(leader);
    await cluster.waitReady();
  }
  ended.abort();
  const written = await Promise.all(clients);
  await Promise.all(readers);
  console.log(`${written.join(" + ")} writes and ${reads} reads`);
  assert.deepEqual(failures, []);
  const answer = await ask("/api/v1/query", {
    method: "POST",
    body:
      '{"sql":"SELECT client, count(*), count(DISTINCT n), max(n) FROM t GROUP BY client","consistency":"linearizable"}',
  });
  const { rows } = await answer.json();
  assert.deepEqual(
    rows,
    written.map((n, at) => [at + 1, n, n, n - 1]),
  );
  await cluster.assertEqualContents();
}

async function passesOn({ url, ask }: Fixture): Promise<void> {
  await using db = connect({ urls: [url], secret: SECRET_API });
  await db.execute("CREATE TABLE p (a)");
  await assert.rejects(db.execute("INSERT INTO nothing VALUES (1)"), {
    code: "sql",
  });
  const cache = db.cache<string>("c");
  await cache.put("a/b c", "value");
  assert.equal(
    await cache.get("a/b c", { consistency: "linearizable" }),
    "value",
  );
  const put = await ask("/api/v1/cache/c/k", {
    method: "PUT",
    body: "text",
    headers: { "content-type": "text/plain" },
  });
  assert.ok(put.ok, await put.text());
  const got = await ask("/api/v1/cache/c/k?consistency=linearizable");
  assert.equal(await got.text(), "text");
  assert.ok(got.headers.get("etag"));
  await db.notify("x", "published");
  for await (const event of db.listen({ topics: ["x"], since: "oldest" })) {
    assert.ok(event.kind === "event");
    assert.equal(event.data, "published");
    break;
  }
  {
    await using lock = await db.lock("job");
    const { rowsAffected } = await db.execute(
      "INSERT INTO p VALUES (1)",
      [],
      { fence: lock },
    );
    assert.equal(rowsAffected, 1);
  }
  const backups = await ask("/api/v1/backup");
  assert.deepEqual(await backups.json(), { backups: [] });
  await passesTokens(db, ask);
  const nowhere = await ask("/nothing");
  assert.equal(nowhere.status, 404);
  await nowhere.body?.cancel();
  assert.equal(await (await fetch(`${url}/ping`)).text(), "pong");
  assert.equal((await (await fetch(`${url}/ready`)).json()).ok, true);
  const metrics = await (await fetch(`${url}/metrics`)).text();
  assert.match(metrics, /hiqlite_proxy_unauthorized_total 1$/m);
  assert.match(metrics, /hiqlite_proxy_requests_total\{status="2xx"\} \d+/);
  assert.equal(metrics.match(/proxy_member_up\{.*\} 1/g)?.length, 3);
}

/** A token is good for what it is for, until it is revoked; what is none never gets to a member. */
async function passesTokens(
  db: ReturnType<typeof connect>,
  ask: Fixture["ask"],
): Promise<void> {
  const { id, token } = await db.tokens.create({ name: "a", scope: "read" });
  const as = async (secret: string, path: string) => {
    const response = await ask(`/api/v1/${path}`, {
      method: "POST",
      headers: { "x-api-secret": secret },
      body: '{"sql":"SELECT 1"}',
    });
    const { error } = await response.json();
    return [response.status, error?.code];
  };
  assert.deepEqual(await as(token, "query"), [200, undefined]);
  assert.deepEqual(await as(token, "execute"), [403, "forbidden"]);
  await db.tokens.revoke(id);
  await poll("every member to refuse the token", 60_000, async () => {
    const answers = await Promise.all([1, 2, 3].map(() => as(token, "query")));
    return answers.every(([status]) => status === 401);
  });
  assert.deepEqual(await as("wrong", "query"), [401, "unauthorized"]);
}

async function nobodyAnswers({ cluster, url, ask }: Fixture): Promise<void> {
  const large = await ask("/api/v1/query", {
    method: "POST",
    body: new Uint8Array(17 * 1024 * 1024),
  });
  assert.equal(large.status, 413);
  assert.match(await large.text(), /more than 16777216 bytes/);
  await Promise.all(
    cluster.nodes.map((node) => cluster.process(node)!.kill()),
  );
  const answer = await ask("/api/v1/query", {
    method: "POST",
    body: '{"sql":"SELECT 1"}',
  });
  assert.equal(answer.status, 503);
  const { error } = await answer.json();
  assert.equal(error.code, "no_leader");
  const ready = await fetch(`${url}/ready`);
  assert.equal(ready.status, 503);
  await ready.body?.cancel();
}

Deno.test("a proxy reaches members that speak TLS, and verifies them by the secret", async () => {
  const environment = { HQL_TLS_AUTO_CERTS: "true" };
  await using cluster = await TestCluster.start({ environment, idle: true });
  for (const node of cluster.nodes) await cluster.startMember(node);
  await using program = proxyOf(cluster, environment);
  const [, url] = await program.line(/"api":"(http:[^"]+)"/);
  await poll("the proxy to be ready", 60_000, async () => {
    const { ok, body } = await fetch(`${url}/ready`);
    await body?.cancel();
    return ok;
  });
  await using db = connect({ urls: [url!], secret: SECRET_API });
  await db.execute("CREATE TABLE t (a)");
  assert.deepEqual(await db.queryConsistent("SELECT count(*) AS n FROM t"), [
    { n: 0 },
  ]);
});
