import assert from "node:assert/strict";
import { connect } from "../../src/client/remote.ts";
import { createApp } from "../../src/server/app.ts";
import { inSteps, SECRET, withApi, withMember } from "./one_member.ts";
import { topicContract } from "./topic_contract.ts";

Deno.test("topics of a client in the member's process keep the contract", async (t) => {
  await withMember((db) => inSteps(t, topicContract(), (one) => one.run(db)));
});

Deno.test("topics of a client over HTTP keep the contract", async (t) => {
  await withMember((db) =>
    withApi(db, async (reach) => {
      await using client = connect(reach);
      await inSteps(t, topicContract(), (one) => one.run(client));
    })
  );
});

Deno.test("a local listener hears what is published after the call, though it is read later", async () => {
  await withMember(async (db) => {
    const stream = db.listen({ topics: ["t"] });
    await db.notify("t", 1);
    for await (const update of stream) {
      assert.equal(update.kind === "event" && update.data, 1);
      break;
    }
  });
});

Deno.test("a listener of a member that stops, or of a client that ends, is told so", async () => {
  await withMember(async (db) => {
    const heard = db.listen({ topics: ["t"] })[Symbol.asyncIterator]().next();
    const [error] = await Promise.all([
      heard.catch((error) => error),
      db.shutdown(),
    ]);
    assert.equal(error.code, "shutting_down");
  });
});

Deno.test("a notification and a transaction whose answers are lost are sent again and published once", async () => {
  await withMember(async (db) => {
    const app = createApp(db.member, { secretApi: SECRET });
    let lost = 0;
    await using client = connect({
      urls: ["one", "two"],
      secret: SECRET,
      fetch: async (url, init) => {
        const response = await app.request(String(url), init);
        const isWrite = /notify|txn/.test(String(url)) && response.ok;
        if (!isWrite || lost++ % 3 === 2) return response;
        await response.text();
        throw new TypeError("the connection was lost");
      },
    });
    const stream = db.listen({ topics: ["t"] });
    const { id } = await client.notify("t", 1);
    await client.txn(["SELECT 1"], { notify: [{ topic: "t", data: 2 }] });
    await db.notify("t", 3);
    const heard = [];
    for await (const update of stream) {
      heard.push(update);
      if (heard.length === 3) break;
    }
    assert.deepEqual(
      heard.map((update) => update.kind === "event" && update.data),
      [1, 2, 3],
    );
    assert.equal(heard[0]!.id, id);
    assert.equal(lost, 6);
  });
});

Deno.test("events are what an EventSource takes: an id, the topic as name, JSON in one line; and a place without a name", async () => {
  await withMember(async (db) => {
    const app = createApp(db.member, { secretApi: SECRET });
    const ended = new AbortController();
    const ask = (path: string, headers: Record<string, string> = {}) =>
      app.request(path, {
        headers: { "x-api-secret": SECRET, ...headers },
        signal: ended.signal,
      });
    const response = await ask("/api/v1/listen?topics=a,b.*");
    assert.equal(response.headers.get("content-type"), "text/event-stream");
    const reader = response.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    const read = async (): Promise<string> => (await reader.read()).value!;
    assert.match(await read(), /^id: [0-9a-f]{12}-\d+-0\n\n$/);
    const { id } = await db.notify("b.c", { text: "x\ny" });
    assert.equal(
      await read(),
      `id: ${id}\nevent: b.c\ndata: {"text":"x\\ny"}\n\n`,
    );
    const last = await db.execute(
      "SELECT hql_notify('a', '{' || char(10) || '\"n\": 1}', 'json')",
    );
    assert.equal(
      await read(),
      `id: ${id.slice(0, 12)}-${last.index}-2\nevent: a\ndata: { "n": 1}\n\n`,
    );
    await reader.cancel();
    // The header counts more than the parameter.
    const again = await ask(`/api/v1/listen?topics=a&since=oldest`, {
      "last-event-id": id,
    });
    const resumed = again.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    const { value } = await resumed.read();
    assert.match(value!, /^id: \S+-2\nevent: a\n/);
    await resumed.cancel();
    for (
      const [query, message] of [
        ["", /topics: is missing/],
        ["topics=", /not a topic/],
        ["topics=a&since=x", /since: expected the id of an event/],
        ["topics=a&sinse=x", /sinse/],
      ] as const
    ) {
      const refused = await ask(`/api/v1/listen?${query}`);
      assert.equal(refused.status, 400);
      assert.match((await refused.json()).error.message, message);
    }
    assert.equal((await app.request("/api/v1/listen?topics=a")).status, 401);
  });
});

/** What is left of a stream that breaks after so many chunks. */
function broken(
  body: ReadableStream<Uint8Array>,
  chunks: number,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let left = chunks;
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read();
      if (done) return controller.close();
      controller.enqueue(value);
      if (--left > 0) return;
      await reader.cancel();
      controller.error(new TypeError("the connection was lost"));
    },
    cancel: () => reader.cancel(),
  });
}

Deno.test("a client whose connections break all the time hears each event once, those in the middle of an entry too", async () => {
  await withMember(async (db) => {
    const app = createApp(db.member, { secretApi: SECRET });
    let connections = 0;
    await using client = connect({
      urls: ["one", "two", "three"],
      secret: SECRET,
      fetch: async (url, init) => {
        const response = await app.request(String(url), init);
        if (!String(url).includes("/listen")) return response;
        connections++;
        const body = broken(response.body!, 1 + connections % 4);
        return new Response(body, response);
      },
    });
    const stream = client.listen({ topics: ["t"] });
    await stream.started();
    const writing = (async () => {
      for (let i = 0; i < 50; i++) {
        const notify = [0, 1, 2].map((at) => ({
          topic: "t",
          data: 3 * i + at,
        }));
        await db.txn(["SELECT 1"], { notify });
      }
    })();
    const heard: unknown[] = [];
    for await (const update of stream) {
      heard.push(update.kind === "event" ? update.data : update);
      if (heard.length === 150) break;
    }
    await writing;
    assert.deepEqual(heard, Array.from({ length: 150 }, (_, i) => i));
    assert.ok(connections > 50, `${connections} connections`);
  });
});
