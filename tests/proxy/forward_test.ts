import assert from "node:assert/strict";
import type { HiqliteError } from "../../src/errors.ts";
import { forward } from "../../src/proxy/forward.ts";
import { RequestBodies } from "../../src/proxy/request_bodies.ts";
import { Upstreams } from "../../src/proxy/upstreams.ts";
import { silentLogger } from "../../src/util/logger.ts";

/** Takes requests, and answers none: each connection is reset when the request is there. */
class Mute implements AsyncDisposable {
  readonly #listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  readonly #ended = this.#serve();

  get url(): string {
    return `http://127.0.0.1:${this.#listener.addr.port}`;
  }

  async #serve(): Promise<void> {
    for await (const connection of this.#listener) {
      await connection.read(new Uint8Array(4096));
      connection.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listener.close();
    await this.#ended;
  }
}

async function codeOf(mute: Mute, route: string): Promise<string> {
  const upstreams = new Upstreams({
    urls: [mute.url],
    secret: "a secret of twenty bytes",
    fetch,
    logger: silentLogger,
  });
  const request = new Request(`http://proxy/api/v1/${route}`, {
    method: "POST",
    body: '{"sql":"SELECT 1"}',
  });
  const failed = await forward(request, {
    upstreams,
    from: null,
    bodies: new RequestBodies(),
    client: "10.0.0.1",
    fetch,
    patienceMs: 0,
  }).then(() => null, (error: HiqliteError) => error);
  await upstreams.close();
  return failed!.code;
}

Deno.test("what became of a write that a lost member had is unknown; a read that it had changed nothing", async () => {
  await using mute = new Mute();
  assert.equal(await codeOf(mute, "execute"), "outcome_unknown");
  assert.equal(await codeOf(mute, "query"), "no_leader");
});
