import assert from "node:assert/strict";
import { configOf } from "../../src/config/options.ts";
import { FakeMember } from "../client/fake_member.ts";
import { listen, type ListenOptions } from "../../src/server/listen.ts";
import { freePorts } from "../ports.ts";
import { silentLogger } from "../../src/util/logger.ts";

function options(
  [raft, api]: number[],
  change: Partial<ListenOptions> = {},
): ListenOptions & { member: FakeMember } {
  return {
    config: configOf({
      nodes: [{ id: 1, raft: `127.0.0.1:${raft}`, api: `127.0.0.1:${api}` }],
      secretRaft: "raft-secret-0123456789",
      secretApi: "api-secret-0123456789",
    }),
    raft: () => new Response("raft", { status: 426 }),
    api: () => new Response("api"),
    logger: silentLogger,
    ...change,
    member: new FakeMember(),
  };
}

Deno.test("listen() serves Raft, health and API on their ports", async () => {
  const [raft, api] = freePorts(2);
  const parts = options([raft!, api!]);
  const listeners = await listen(parts);
  const ask = async (url: string) => {
    const response = await fetch(url);
    return `${response.status} ${await response.text()}`;
  };
  try {
    assert.equal(listeners.apiUrl, `http://127.0.0.1:${api}`);
    assert.equal(await ask(listeners.apiUrl), "200 api");
    assert.equal(await ask(`http://127.0.0.1:${raft}/stream`), "426 raft");
    assert.equal(await ask(`http://127.0.0.1:${raft}/ping`), "200 pong");
    parts.member.healthy = { ok: false, detail: "no leader" };
    assert.match(
      await ask(`http://127.0.0.1:${raft}/health`),
      /^503 .*no leader/,
    );
  } finally {
    await listeners.close();
    await parts.member.shutdown();
  }
});

Deno.test("listen() names address and key when a port is taken, and gives back the other", async () => {
  const [raft] = freePorts(1);
  const taken = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const parts = options([raft!, taken.addr.port]);
  await assert.rejects(listen(parts), {
    code: "config",
    key: "listen_addr_api",
    message: new RegExp(
      `127\\.0\\.0\\.1:${taken.addr.port} is in use by another process.*HQL_NODES`,
    ),
  });
  taken.close();
  const listeners = await listen(parts);
  await listeners.close();
  await parts.member.shutdown();
});

Deno.test("listen() names an address that is not of this machine", async () => {
  const parts = options(freePorts(2));
  const config = { ...parts.config, listenAddrRaft: "203.0.113.7" };
  await assert.rejects(listen({ ...parts, config }), {
    key: "listen_addr_raft",
    message: /203\.0\.113\.7:\d+ is not an address of this machine/,
  });
  await parts.member.shutdown();
});

Deno.test("Listeners.close() lets an answer finish", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const parts = options(freePorts(2), {
    api: () => {
      asked.resolve();
      return answer.promise;
    },
  });
  const listeners = await listen(parts);
  const waiting = fetch(listeners.apiUrl);
  await asked.promise;
  const closed = listeners.close();
  answer.resolve(new Response("late"));
  assert.equal(await (await waiting).text(), "late");
  await closed;
  await parts.member.shutdown();
});

Deno.test("Listeners.close() waits no longer than the grace time", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<Response>();
  const parts = options(freePorts(2), {
    graceMs: 20,
    api: () => {
      asked.resolve();
      return answer.promise;
    },
  });
  const listeners = await listen(parts);
  const waiting = fetch(listeners.apiUrl);
  await asked.promise;
  await listeners.close();
  answer.resolve(new Response("too late"));
  await (await waiting).text();
  await parts.member.shutdown();
});
