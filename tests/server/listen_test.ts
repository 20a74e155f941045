import assert from "node:assert/strict";
import { configOf } from "../../src/config/options.ts";
import { FakeMember } from "../client/fake_member.ts";
import { listen, type ListenOptions } from "../../src/server/listen.ts";
import { freePorts } from "../ports.ts";
import { Logger, silentLogger } from "../../src/util/logger.ts";
import { apiHandler } from "../../src/server/app.ts";

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
    links: { accept: (caller) => caller.gone(), refused: () => {} },
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
    assert.match(
      await ask(`http://127.0.0.1:${raft}/stream`),
      /^400 .*members/,
    );
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
  await assert.rejects(waiting);
  answer.resolve(new Response("too late"));
  await parts.member.shutdown();
});

Deno.test("a malformed Host is no error of the member, on either port", async () => {
  const [raft, api] = freePorts(2) as [number, number];
  const lines: string[] = [];
  const member = new FakeMember();
  const parts = options([raft, api], {
    api: apiHandler(member, { secretApi: "api-secret-0123456789" }),
    logger: new Logger("warn", ({ message }) => lines.push(message)),
  });
  const listeners = await listen(parts);
  const ask = async (port: number, host: string): Promise<string> => {
    using connection = await Deno.connect({ hostname: "127.0.0.1", port });
    await connection.write(
      new TextEncoder().encode(
        `GET /ping HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`,
      ),
    );
    const text = await new Response(connection.readable).text();
    return text.split(" ")[1]!;
  };
  try {
    for (const host of ["a b", "[", "x:99999", "%"]) {
      assert.match(await ask(raft, host), /^(200|4\d\d)$/, host);
      assert.match(await ask(api, host), /^(200|4\d\d)$/, host);
    }
    assert.equal(await ask(raft, "127.0.0.1"), "200");
    assert.deepEqual(lines, []);
  } finally {
    await listeners.close();
    await parts.member.shutdown();
    await member.shutdown();
  }
});
