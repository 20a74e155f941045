import assert from "node:assert/strict";
import { connect, type RemoteClient } from "../../src/client/remote.ts";
import { createApp } from "../../src/server/app.ts";
import { FakeMember } from "./fake_member.ts";
import { HiqliteError } from "../../src/errors.ts";
import { testClientContract } from "./contract.ts";
import { untilAborted } from "../../src/util/abort.ts";

const SECRET = "api-secret-0123456789";

testClientContract("RemoteClient", () => {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: SECRET });
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, app.fetch);
  const client = connect({
    urls: [`127.0.0.1:${server.addr.port}`],
    secret: SECRET,
  });
  return Promise.resolve({
    client,
    member,
    end: async () => {
      await client.shutdown();
      await server.shutdown();
      await member.shutdown();
    },
  });
});

/** What a scripted member does with a request. */
type Act =
  /** Works. */
  | "answer"
  /** Works, and the answer is lost on the way. */
  | "lose answer"
  /** Cannot be reached. */
  | "unreachable"
  | "refused"
  /** Never answers, not even a ping. */
  | "hang"
  /** A proxy's error page. */
  | "bad gateway"
  | HiqliteError;

/** Members that share one state, each with a script; when it ends it works. */
class Scripted {
  readonly member = new FakeMember();
  readonly log: string[] = [];
  readonly #scripts: Map<string, Act[]>;
  readonly #app = createApp(this.member, { secretApi: SECRET });

  constructor(scripts: Record<string, Act[]>) {
    this.#scripts = new Map(Object.entries(scripts));
  }

  client(options: { timeoutMs?: number; probeMs?: number } = {}): RemoteClient {
    return connect({
      urls: [...this.#scripts.keys()],
      secret: SECRET,
      fetch: this.fetch,
      ...options,
    });
  }

  /** What a member does from now on. */
  script(host: string, acts: Act[]): void {
    this.#scripts.set(host, acts);
  }

  fetch = (input: string | URL | Request, init?: RequestInit) =>
    untilAborted(init?.signal ?? undefined, async () => {
      const url = new URL(String(input));
      const script = this.#scripts.get(url.hostname)!;
      const ping = url.pathname === "/ping";
      const act = (ping ? script[0] === "hang" && "hang" : script.shift()) ||
        "answer";
      if (!ping) this.log.push(url.hostname);
      if (act === "refused") {
        const cause =
          "client error (Connect): tcp connect error: Connection refused (os error 111)";
        throw new TypeError("fetch failed", { cause: new Error(cause) });
      }
      if (act === "unreachable") throw new TypeError("connection refused");
      if (act === "hang") {
        if (!ping) script.unshift("hang");
        return await new Promise<never>(() => {});
      }
      if (act === "bad gateway") {
        return new Response("<h1>502</h1>", { status: 502 });
      }
      if (act instanceof HiqliteError) this.member.faults.push(act);
      const response = await this.#app.request(url, init);
      if (act === "lose answer") throw new TypeError("connection reset");
      return response;
    });

  async [Symbol.asyncDispose](): Promise<void> {
    await this.member.shutdown();
  }
}

async function prepared(scripts: Record<string, Act[]>): Promise<Scripted> {
  const scripted = new Scripted(scripts);
  await scripted.member.write({
    body: { kind: "execute", statement: { sql: "CREATE TABLE t (v)" } },
  });
  scripted.member.writes.length = 0;
  return scripted;
}

const INSERT = "INSERT INTO t VALUES (1)";
const count = (member: FakeMember): unknown =>
  member.querySync("SELECT count(*) FROM t").rows[0]![0];
const NO_LEADER = new HiqliteError("no_leader", "no leader");
const BUSY = new HiqliteError("overloaded", "queue full");

Deno.test("RemoteClient goes to the next member when one cannot be reached, and stays there", async () => {
  await using scripted = await prepared({ a: ["unreachable"], b: [], c: [] });
  const client = scripted.client();
  await client.execute(INSERT);
  await client.execute(INSERT);
  assert.deepEqual(scripted.log, ["a", "b", "b"]);
  assert.equal(count(scripted.member), 2);
});

Deno.test("RemoteClient applies a write once when its answer was lost", async () => {
  await using scripted = await prepared({ a: ["lose answer"], b: [] });
  const result = await scripted.client().execute(INSERT);
  assert.equal(result.rowsAffected, 1);
  assert.equal(count(scripted.member), 1);
  const keys = scripted.member.writes.map((write) => write.idempotencyKey);
  assert.equal(keys.length, 2);
  assert.equal(keys[0], keys[1]);
});

Deno.test("RemoteClient gives every write its own key", async () => {
  await using scripted = await prepared({ a: [] });
  const client = scripted.client();
  await client.execute(INSERT);
  await client.execute(INSERT);
  const [first, second] = scripted.member.writes;
  assert.notEqual(first!.idempotencyKey, second!.idempotencyKey);
});

Deno.test("RemoteClient repeats a write whose outcome the member does not know", async () => {
  const unknown = new HiqliteError("outcome_unknown", "leader lost");
  await using scripted = await prepared({ a: [unknown], b: [] });
  await scripted.client().execute(INSERT);
  assert.equal(count(scripted.member), 1);
});

Deno.test("RemoteClient tries another member while one has no leader", async () => {
  await using scripted = await prepared({ a: [NO_LEADER], b: [NO_LEADER] });
  await scripted.client().execute(INSERT);
  assert.deepEqual(scripted.log, ["a", "b", "a"]);
});

Deno.test("RemoteClient waits for a busy member as long as it asks", async () => {
  await using scripted = await prepared({ a: [BUSY], b: [] });
  const started = performance.now();
  await scripted.client().execute(INSERT);
  assert.deepEqual(scripted.log, ["a", "a"]);
  assert(performance.now() - started >= 450, "half of Retry-After: 1");
});

Deno.test("RemoteClient reports outcome_unknown when a write was sent and nobody answers", async () => {
  await using scripted = await prepared({
    a: ["lose answer", ...Array(40).fill("unreachable")],
  });
  await assert.rejects(scripted.client({ timeoutMs: 150 }).execute(INSERT), {
    name: "OutcomeUnknownError",
    code: "outcome_unknown",
    message: /may or may not have been applied.*connection refused/,
  });
  assert.equal(count(scripted.member), 1);
});

Deno.test("RemoteClient never calls a sent write not applied", async () => {
  const full = new HiqliteError("disk_full", "no room");
  await using scripted = await prepared({ a: ["lose answer"], b: [full] });
  await assert.rejects(scripted.client().execute(INSERT), {
    code: "outcome_unknown",
    message: /no room/,
  });
});

Deno.test("RemoteClient reports a repeated write's own refusal", async () => {
  await using scripted = await prepared({ a: ["lose answer"], b: [] });
  await assert.rejects(scripted.client().execute("INSRT"), {
    name: "StatementError",
    code: "sql",
  });
});

Deno.test("RemoteClient reports no_leader when no write was taken", async () => {
  await using scripted = await prepared({ a: Array(40).fill(NO_LEADER) });
  await assert.rejects(scripted.client({ timeoutMs: 100 }).execute(INSERT), {
    code: "no_leader",
  });
  assert.equal(count(scripted.member), 0);
});

for (const timeoutMs of [2 ** 31, Infinity]) {
  Deno.test(`RemoteClient takes a timeout of ${timeoutMs} ms for a long one`, async () => {
    const slow = new FakeMember();
    await using _ = { [Symbol.asyncDispose]: () => slow.shutdown() };
    const app = createApp(slow, { secretApi: SECRET });
    await using client = connect({
      urls: ["member"],
      secret: SECRET,
      timeoutMs,
      probeMs: timeoutMs,
      fetch: (input, init) =>
        untilAborted(init?.signal ?? undefined, async () => {
          await new Promise((resume) => setTimeout(resume, 30));
          return await app.request(String(input), init);
        }),
    });
    assert.equal(
      (await client.query("SELECT 1 AS one", [], { timeoutMs }))[0]!.one,
      1,
    );
  });
}

Deno.test("RemoteClient reports a timeout when a read gets no answer", async () => {
  await using scripted = await prepared({ a: Array(40).fill("unreachable") });
  await assert.rejects(scripted.client({ timeoutMs: 100 }).query("SELECT 1"), {
    code: "timeout",
    message: /100 ms; last: .*connection refused/,
  });
});

Deno.test("RemoteClient leaves a member that gives no sign of life", async () => {
  await using scripted = await prepared({ a: ["hang"], b: [] });
  const client = scripted.client({ probeMs: 20 });
  await client.execute(INSERT);
  assert.deepEqual(scripted.log, ["a", "b"]);
});

Deno.test("RemoteClient stays with a slow member that answers pings", async () => {
  await using scripted = await prepared({ a: [], b: [] });
  let pings = 0;
  const slow = Promise.withResolvers<void>();
  scripted.member.beforeWrite = () => slow.promise;
  const client = connect({
    urls: ["a", "b"],
    secret: SECRET,
    probeMs: 10,
    fetch: (input, init) => {
      if (String(input).endsWith("/ping") && ++pings === 3) slow.resolve();
      return scripted.fetch(input, init);
    },
  });
  await client.execute(INSERT);
  assert.deepEqual(scripted.log, ["a"]);
});

Deno.test("RemoteClient treats a proxy's error page as no answer", async () => {
  await using scripted = await prepared({ a: ["bad gateway"], b: [] });
  await scripted.client().execute(INSERT);
  assert.equal(count(scripted.member), 1);
});

Deno.test("RemoteClient does not repeat a wrong secret", async () => {
  await using scripted = await prepared({ a: [], b: [] });
  const client = connect({
    urls: ["a", "b"],
    secret: "wrong",
    fetch: scripted.fetch,
  });
  await assert.rejects(client.execute(INSERT), { code: "unauthorized" });
  assert.deepEqual(scripted.log, ["a"]);
});

Deno.test("RemoteClient does not repeat a membership change that may have been made", async () => {
  await using scripted = await prepared({
    a: ["answer", "lose answer"],
    b: [],
  });
  await assert.rejects(
    scripted.client().changeMembership({ action: "remove", nodeId: 3 }),
    {
      code: "outcome_unknown",
      message:
        "POST /api/v1/cluster/remove may or may not have been done: http://a: connection reset",
    },
  );
  assert.equal(scripted.member.changes.length, 1);
});

Deno.test("RemoteClient sends a membership change to a member that answers", async () => {
  await using scripted = await prepared({ a: ["unreachable"], b: [] });
  await scripted.client().changeMembership({ action: "remove", nodeId: 1 });
  assert.deepEqual(scripted.log, ["a", "b", "b"]);
  assert.equal(scripted.member.changes.length, 1);
});

Deno.test("RemoteClient says that a membership change was not sent when nobody answers", async () => {
  await using scripted = await prepared({ a: ["hang"] });
  await assert.rejects(
    scripted.client({ timeoutMs: 100 }).transferLeadership(2),
    {
      code: "timeout",
      message:
        /^POST \/api\/v1\/cluster\/transfer was not sent: GET \/health got no clear answer within 100 ms; last: http:\/\/a did not answer in time$/,
    },
  );
  assert.equal(scripted.member.changes.length, 0);
});

Deno.test("RemoteClient leaves a member for the next call after a read timed out", async () => {
  const late = new HiqliteError("timeout", "index 9 is not applied here");
  await using scripted = await prepared({ a: [late], b: [] });
  const client = scripted.client();
  await assert.rejects(client.query("SELECT 1"), { code: "timeout" });
  await client.query("SELECT 1");
  assert.deepEqual(scripted.log, ["a", "b"]);
});

Deno.test("RemoteClient reads what it has read before from another member", async () => {
  await using scripted = await prepared({ a: [], b: [] });
  const client = scripted.client();
  await client.query("SELECT 1");
  await client.query("SELECT 1");
  assert.equal(scripted.member.queries[1]!.minIndex, 1);
});

Deno.test("RemoteClient.shutdown() ends what is under way and what comes later", async () => {
  await using scripted = await prepared({ a: ["hang"] });
  const client = scripted.client();
  const waiting = client.query("SELECT 1");
  await client.shutdown();
  await assert.rejects(waiting, { code: "shutting_down" });
  await assert.rejects(client.query("SELECT 1"), { code: "shutting_down" });
});

Deno.test("RemoteClient refuses a value before it sends anything", async () => {
  await using scripted = await prepared({ a: [] });
  const client = scripted.client();
  await assert.rejects(client.execute(INSERT, [2n ** 63n]), {
    code: "invalid",
    message: /params\[0\]: 9223372036854775808 does not fit/,
  });
  await assert.rejects(
    client.execute(INSERT, [new Date() as unknown as string]),
    { code: "invalid", message: /params\[0\]: expected null/ },
  );
  assert.deepEqual(scripted.log, []);
});

for (const address of ["", "http://", "a b:1", "user:pw@host:1", "h:1/?x=1"]) {
  Deno.test(`connect() refuses the address "${address}"`, () => {
    assert.throws(() => connect({ urls: [address], secret: SECRET }), {
      code: "invalid",
      message: /urls: expected host:port/,
    });
  });
}

Deno.test("connect() takes IPv6 addresses and paths of proxies", async () => {
  const urls: string[] = [];
  const fetchSpy = (input: string | URL | Request) => {
    urls.push(String(input));
    return Promise.resolve(Response.json({ ok: true, detail: "ok" }));
  };
  for (const url of ["[::1]:8200", "https://db.example/hiqlite/"]) {
    const client = connect({ urls: [url], secret: SECRET, fetch: fetchSpy });
    await client.health();
  }
  assert.deepEqual(urls, [
    "http://[::1]:8200/health",
    "https://db.example/hiqlite/health",
  ]);
});

Deno.test("what remote.ts imports runs in any JavaScript runtime", async () => {
  const seen = new Set<string>();
  const root = new URL("../../src/client/remote.ts", import.meta.url);
  const open = [root.href];
  for (let url = open.pop(); url !== undefined; url = open.pop()) {
    if (seen.has(url)) continue;
    seen.add(url);
    const source = await Deno.readTextFile(new URL(url));
    const code = source.replaceAll(/\/\*[^]*?\*\/|\/\/.*/g, "");
    // One file asks what this runtime is; the others do not depend on it.
    const foreign = url.endsWith("/client/runtime.ts")
      ? /\bnode:|\bBuffer\b/
      : /\bDeno\b|\bnode:|\bBuffer\b|\bprocess\b/;
    assert(!foreign.test(code), url);
    const imports = code.matchAll(
      /(?:import|export)\s+(type\s)?[^;"]*?from\s+"([^"]+)"/g,
    );
    for (const [, typeOnly, specifier] of imports) {
      assert(specifier!.startsWith("."), `${url} imports ${specifier}`);
      if (typeOnly === undefined) open.push(new URL(specifier!, url).href);
    }
  }
  assert(seen.size >= 8, [...seen].join("\n"));
});

Deno.test("RemoteClient says soon that nobody listens, and that nothing was applied", async () => {
  const refused = Array(200).fill("refused");
  await using scripted = await prepared({ a: refused, b: [...refused] });
  const begin = performance.now();
  await assert.rejects(scripted.client().execute(INSERT), {
    code: "no_leader",
    message: /refuses connections: no member listens there/,
  });
  // Of the 15 s that it has.
  assert(performance.now() - begin < 8000);
  assert(scripted.log.includes("a") && scripted.log.includes("b"));
});

Deno.test("RemoteClient waits for members that begin to listen", async () => {
  await using scripted = await prepared({
    a: Array(4).fill("refused"),
    b: Array(20).fill("refused"),
  });
  await scripted.client().execute(INSERT);
  assert.equal(count(scripted.member), 1);
});

Deno.test("RemoteClient does not take a refused connection for certain where it had one: fetch repeats by itself", async () => {
  await using scripted = await prepared({ a: [] });
  const client = scripted.client();
  await client.execute(INSERT);
  scripted.script("a", Array(40).fill("refused"));
  await assert.rejects(client.execute(INSERT, [], { timeoutMs: 300 }), {
    code: "outcome_unknown",
  });
});

Deno.test("RemoteClient recognises a refused connection of this runtime", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  await using client = connect({
    urls: [`127.0.0.1:${port}`],
    secret: SECRET,
  });
  await assert.rejects(client.execute(INSERT), { code: "no_leader" });
});
