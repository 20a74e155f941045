import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import { connect, type RemoteClient } from "../../src/client/remote.ts";
import type { TokenOptions } from "../../src/client/tokens.ts";
import { drawToken } from "../../src/api/token_text.ts";
import { within } from "../within.ts";
import { poll, SECRET_API, TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";
import { expected, type Role, type Sample, samples } from "./token_matrix.ts";

const PROPAGATED_MS = 30_000;

/** Three members, and what is asked of them with one secret or another. */
class Scene implements AsyncDisposable {
  readonly cluster: TestCluster;
  readonly #clients: RemoteClient[] = [];
  /** Every token that was made: none may stand in a log. */
  readonly made: string[] = [];

  constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  client(node: Node, secret = SECRET_API): RemoteClient {
    const urls = [this.cluster.network.apiUrl(node)];
    const client = connect({ urls, secret, timeoutMs: 20_000 });
    this.#clients.push(client);
    return client;
  }

  async create(node: Node, wanted: TokenOptions) {
    const made = await this.client(node).tokens.create(wanted);
    this.made.push(made.token);
    return made;
  }

  async status(
    node: Node,
    token: string | null,
    sample: Omit<Sample, "line">,
  ): Promise<number> {
    const { method, path, body } = sample;
    const response = await fetch(this.cluster.network.apiUrl(node) + path, {
      method,
      headers: {
        ...sample.headers,
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      ...(body === undefined ? {} : { body }),
    });
    await response.body?.cancel();
    return response.status;
  }

  statusOf(node: Node, token: string): Promise<number> {
    const path = "/api/v1/cluster";
    const rest = { headers: {}, body: undefined };
    return this.status(node, token, { method: "GET", path, ...rest });
  }

  /** Waits until a member lets a token in, or refuses it. */
  async until(node: Node, token: string, status: number): Promise<void> {
    await poll(
      `member ${node} to answer ${status}`,
      PROPAGATED_MS,
      async () => await this.statusOf(node, token) === status,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) await client.shutdown();
    await this.cluster[Symbol.asyncDispose]();
  }
}

Deno.test("tokens through three members: every route and every kind of caller, revoked everywhere, kept over restarts and rebuilds", async (t) => {
  await using scene = new Scene(
    await TestCluster.start({
      // A short log, so that who comes late needs a snapshot.
      environment: { HQL_WAL_SIZE: "65536", HQL_LOGS_UNTIL_SNAPSHOT: "40" },
    }),
  );
  const { cluster } = scene;
  const step = (name: string, fn: () => Promise<void>): Promise<boolean> =>
    t.step({ name, fn, sanitizeOps: false, sanitizeResources: false });
  const reader = await scene.create(1, { name: "reader", scope: "read" });

  await step("what is made at one member is let in at the others", async () => {
    for (const node of [2, 3]) await scene.until(node, reader.token, 200);
    const far = scene.client(3, reader.token);
    assert.deepEqual(await far.query("SELECT 1 AS n"), [{ n: 1 }]);
    await assert.rejects(far.execute("CREATE TABLE no (x)"), {
      code: "forbidden",
    });
  });

  await step("every route × every kind of caller", async () => {
    const callers = await callersOf(scene);
    const wrong: string[] = [];
    for (const cache of ["mine", "other"]) {
      const all = samples(cache);
      while (all.length > 0) {
        // Four of the callers wait for their refusal, and no more than 64 may.
        const some = all.splice(0, 12).flatMap((sample) =>
          callers.map((caller) => ({ sample, ...caller }))
        );
        await Promise.all(some.map(async ({ sample, name, token, role }) => {
          const got = await scene.status(2, token, sample);
          const wanted = expected(role, sample.line, cache);
          const fits = wanted === null
            ? ![401, 403, 429, 500].includes(got)
            : got === wanted;
          if (fits) return;
          wrong.push(
            `${sample.line} of ${cache} as ${name}: ${got}, not ${wanted}`,
          );
        }));
      }
    }
    assert.deepEqual(wrong, []);
  });

  await step("a change of several caches needs all of them", async () => {
    const { token } = await scene.create(1, {
      name: "mine",
      scope: "write",
      caches: ["mine"],
    });
    await scene.until(2, token, 403);
    const mine = { op: "put", cache: "mine", key: "k", value: "v" };
    const other = { ...mine, cache: "other" };
    const check = { cache: "other", key: "k", version: null };
    for (
      const [path, body, status] of [
        ["caches/atomic", { ops: [mine] }, 200],
        ["caches/atomic", { ops: [mine, other] }, 403],
        ["caches/atomic", { ops: [mine], checks: [check] }, 403],
        ["caches/atomic", { ops: [mine], creates: [{ cache: "other" }] }, 403],
        ["cache/mine", { ops: [{ ...mine, cache: undefined }] }, 200],
        ["cache/mine", { ops: [other] }, 403],
        ["cache/mine", { ops: [mine], checks: [check] }, 403],
      ] as const
    ) {
      const got = await scene.status(2, token, {
        method: "POST",
        path: `/api/v1/${path}`,
        headers: { "content-type": "application/json" },
        body: JSON.stringify(body),
      });
      assert.equal(got, status, `${path} ${JSON.stringify(body)}`);
    }
    await scene.client(1).cache("other").put("k", "theirs");
    const seen = await scene.client(1, token).caches();
    assert.deepEqual(seen.map(({ name }) => name), ["mine"]);
    assert.ok((await scene.client(1).caches()).length > 1);
  });

  await step(
    "what is revoked is refused by every member, and streams of it end with the reason",
    async () => {
      const { id, token } = await scene.create(2, {
        name: "soon gone",
        scope: "write",
      });
      const refused = { code: "unauthorized", message: /revoked/ };
      const ends: Promise<void>[] = [];
      for (const node of cluster.nodes) {
        await scene.until(node, token, 200);
        const client = scene.client(node, token);
        const heard = client.listen({ topics: ["t"] });
        await heard.started();
        ends.push(assert.rejects(collect(heard), refused));
      }
      const held = await scene.client(1).lock("held");
      ends.push(assert.rejects(scene.client(3, token).lock("held"), refused));
      assert.equal(await scene.client(2).tokens.revoke(id), true);
      for (const node of cluster.nodes) await scene.until(node, token, 401);
      await within(PROPAGATED_MS, "streams to end", Promise.all(ends));
      await held.release();
      assert.equal(await scene.client(1).tokens.revoke(id), false);
    },
  );

  await step(
    "restarts keep tokens, and so does a member that is rebuilt from a snapshot",
    async () => {
      await cluster.killMember(3);
      await Deno.remove(cluster.dataDir(3), { recursive: true });
      await cluster.write(1, "CREATE TABLE t (n, body)");
      const first = async (): Promise<number> => {
        const answer = await cluster.api(1).cluster(1_000);
        return answer.type === "ok" ? Number(answer.value.first_index) : 0;
      };
      await poll("the log to be purged", 60_000, async () => {
        for (let i = 0; i < 50; i++) {
          await cluster.write(
            1,
            "INSERT INTO t VALUES (1, hex(zeroblob(500)))",
          );
        }
        return await first() > reader.index;
      });
      for (const node of [1, 2]) {
        await cluster.killMember(node);
        await cluster.startMember(node);
      }
      await cluster.startMember(3);
      await cluster.waitReady();
      for (const node of cluster.nodes) {
        assert.equal(await scene.statusOf(node, reader.token), 200);
      }
      const names = (await scene.client(3).tokens.list()).map(({ name }) =>
        name
      );
      assert.ok(names.includes("reader") && !names.includes("soon gone"));
    },
  );

  await step(
    "no log has a secret or a token, and failed logins stand in it",
    async () => {
      for (const node of cluster.nodes) {
        const log = await cluster.log(node);
        for (const secret of [SECRET_API, ...scene.made]) {
          assert.ok(!log.includes(secret), `member ${node} logged a secret`);
        }
      }
      const log = await cluster.log(2);
      for (
        const reason of [
          "missing",
          "wrong secret",
          "unknown token",
          "expired token",
        ]
      ) {
        assert.ok(log.includes(`"reason":"${reason}"`), reason);
      }
    },
  );
  assert.deepEqual(cluster.complaints, []);
});

/** Everybody who may ask something. */
async function callersOf(scene: Scene) {
  const known = async (
    name: string,
    scope: "read" | "write" | "admin",
    cache: string | null = null,
  ) => {
    const { token } = await scene.create(1, {
      name,
      scope,
      ...(cache === null ? {} : { caches: [cache] }),
    });
    await scene.until(2, token, cache === null ? 200 : 403);
    return { name, token, role: { kind: "known", scope, cache } as Role };
  };
  const stranger: Role = { kind: "stranger" };
  const expiresAt = new Date(Date.now() + 5_000);
  const expired = await scene.create(1, {
    name: "expired",
    scope: "admin",
    expiresAt,
  });
  const revoked = await scene.create(1, { name: "revoked", scope: "admin" });
  await scene.client(1).tokens.revoke(revoked.id);
  while (Date.now() <= expiresAt.getTime()) await sleep(50);
  await scene.until(2, expired.token, 401);
  await scene.until(2, revoked.token, 401);
  const { token: unknown } = await drawToken();
  const all: { name: string; token: string | null; role: Role }[] = [
    { name: "nobody", token: null, role: stranger },
    { name: "wrong secret", token: "wrong-secret-0123456789", role: stranger },
    { name: "unknown token", token: unknown, role: stranger },
    { name: "expired", token: expired.token, role: stranger },
    { name: "revoked", token: revoked.token, role: stranger },
    {
      name: "secret",
      token: SECRET_API,
      role: { kind: "known", scope: "admin", cache: null },
    },
    await known("read", "read"),
    await known("write", "write"),
    await known("admin", "admin"),
    await known("read of a cache", "read", "mine"),
    await known("write of a cache", "write", "mine"),
  ];
  return all;
}

async function collect(stream: AsyncIterable<unknown>): Promise<unknown[]> {
  const all = [];
  for await (const one of stream) all.push(one);
  return all;
}
