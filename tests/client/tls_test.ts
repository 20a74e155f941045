import assert from "node:assert/strict";
import { createServer } from "node:tls";
import { once } from "node:events";
import { join } from "node:path";
import { open, type OpenOptions } from "../../src/app/open.ts";
import { connect } from "../../src/client/remote.ts";
import { Authority, type PemPair } from "../../src/tls/authority.ts";
import { run } from "../cli/fake_terminal.ts";
import { freePorts } from "../ports.ts";
import { made, outputOf, TestAuthority, writePair } from "../tls/pems.ts";

const SECRET = "the-secret-of-this-api";

/** Runs `test` with the API address of a member that runs in this process. */
async function withMember(
  options: OpenOptions,
  test: (address: string, dir: string) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  const [raft, api] = freePorts(2);
  try {
    await using _member = await open({
      dataDir: join(dir, "data"),
      nodes: [{ id: 1, raft: `127.0.0.1:${raft}`, api: `127.0.0.1:${api}` }],
      secretRaft: "the-secret-of-the-raft",
      secretApi: SECRET,
      cache: false,
      ...options,
    });
    await test(`127.0.0.1:${api}`, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

/** Runs `test` with the address of a TLS server that counts the bytes which reach it within TLS. */
async function withRecorder(
  pair: PemPair,
  test: (address: string, heard: () => number) => Promise<void>,
): Promise<void> {
  let heard = 0;
  const server = createServer({ key: pair.key, cert: pair.chain }, (socket) => {
    socket.on("data", (bytes) => {
      heard += bytes.length;
      socket.end("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\npong");
    });
    socket.on("error", () => {});
  });
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  try {
    await test(`127.0.0.1:${port}`, () => heard);
  } finally {
    server.close();
    await once(server, "close");
  }
}

async function one(client: ReturnType<typeof connect>): Promise<unknown> {
  return await client.query("SELECT 1 AS one");
}

Deno.test("a client that knows the secret verifies an automatic certificate without a file; so do the command line and curl", async () => {
  await withMember({ tlsAutoCertificates: true }, async (address, dir) => {
    const url = `https://${address}`;
    await using client = connect({ urls: [url], secret: SECRET });
    assert.deepEqual(await one(client), [{ one: 1 }]);
    const env = { HQL_SECRET_API: SECRET };
    const status = await run(["cluster", "status", "--url", url], env);
    assert.equal(status.code, 0, status.error);
    // From a configuration the scheme follows.
    const configured = await run(["cluster", "status"], {
      ...env,
      HQL_SECRET_RAFT: "the-secret-of-the-raft",
      HQL_TLS_AUTO_CERTS: "true",
      HQL_NODES: `1 127.0.0.1:1 ${address}`,
    });
    assert.equal(configured.code, 0, configured.error);
    const authority = await run(["tls", "ca"], env);
    assert.match(authority.out, /^-----BEGIN CERTIFICATE-----/);
    const path = join(dir, "ca.pem");
    Deno.writeTextFileSync(path, `${authority.out}\n`);
    await using pinned = connect({
      urls: [address],
      secret: SECRET,
      ca: Deno.readTextFileSync(path),
    });
    assert.deepEqual(await one(pinned), [{ one: 1 }]);
    const curl = await outputOf("curl", [
      ...["-sS", "--cacert", path, `${url}/ping`],
    ]);
    if (curl !== null) assert.equal(curl.text, "pong");
    const stranger = await outputOf("curl", ["-sS", `${url}/ping`]);
    if (stranger !== null) assert.equal(stranger.code, 60, stranger.text);
  });
});

Deno.test("against another authority a client fails before anything is sent, in words", async () => {
  const other = await Authority.derive("api", `${SECRET}!`);
  const foreign = new TestAuthority();
  const names = ["localhost", "127.0.0.1"];
  for (const pair of [other.issue(names, new Date()), made()]) {
    await withRecorder(pair, async (address, heard) => {
      const url = `https://${address}`;
      for (const ca of [undefined, foreign.pem]) {
        await using client = connect({ urls: [url], secret: SECRET, ca });
        await assert.rejects(one(client), {
          code: "no_leader",
          message:
            /shows a certificate that is not believed: give its authority \(ca\).*\(UnknownIssuer\)/,
        });
      }
      const status = await run(["cluster", "status", "--url", url], {
        HQL_SECRET_API: SECRET,
      });
      assert.equal(status.code, 1);
      assert.match(status.error, /certificate that is not believed/);
      assert.equal(heard(), 0);
    });
  }
});

Deno.test("a certificate must name the host that was dialed", async () => {
  const authority = new TestAuthority();
  const { key, chain } = made({ authority, names: ["db.example.com"] });
  await withRecorder({ key, chain }, async (address, heard) => {
    await using client = connect({
      urls: [address],
      secret: SECRET,
      ca: authority.pem,
    });
    await assert.rejects(one(client), {
      message: /not valid for name "127\.0\.0\.1"/,
    });
    assert.equal(heard(), 0);
  });
});

Deno.test("a member with files is verified by their authority, and by nobody else's", async () => {
  const authority = new TestAuthority();
  const dir = await Deno.makeTempDir();
  const pair = made({ authority });
  const { key, cert } = writePair(dir, {
    key: pair.key,
    chain: pair.chain + authority.pem,
  });
  const ca = join(dir, "ca.pem");
  Deno.writeTextFileSync(ca, authority.pem);
  await withMember({ tlsApiKey: key, tlsApiCert: cert }, async (address) => {
    await using client = connect({
      urls: [address],
      secret: SECRET,
      ca: authority.pem,
    });
    assert.deepEqual(await one(client), [{ one: 1 }]);
    await using unknowing = connect({
      urls: [`https://${address}`],
      secret: SECRET,
    });
    await assert.rejects(one(unknowing), /not believed/);
    const env = { HQL_SECRET_API: SECRET };
    const url = `https://${address}`;
    for (
      const [args, extra] of [
        [["--url", url, "--ca", ca], {}],
        [["--url", url], { HQL_TLS_API_CA: ca }],
        [[], {
          HQL_SECRET_RAFT: "the-secret-of-the-raft",
          HQL_TLS_API_KEY: key,
          HQL_TLS_API_CERT: cert,
          HQL_NODES: `1 127.0.0.1:1 ${address}`,
        }],
      ] as const
    ) {
      const { code, error } = await run(["cluster", "status", ...args], {
        ...env,
        ...extra,
      });
      assert.equal(code, 0, error);
    }
    const missing = await run(
      ["cluster", "status", "--url", url, "--ca", join(dir, "none.pem")],
      env,
    );
    assert.equal(missing.code, 1);
    assert.match(missing.error, /--ca: cannot read .*none\.pem/);
  });
  await Deno.remove(dir, { recursive: true });
});

Deno.test("a client that is told to verify nothing does not, and others of the process still do", async () => {
  await withMember({ tlsAutoCertificates: true }, async (address) => {
    await using client = connect({
      urls: [address],
      secret: SECRET,
      dangerTlsNoVerify: true,
    });
    await client.execute("CREATE TABLE t (x TEXT)");
    await client.execute("INSERT INTO t VALUES (?)", ["x".repeat(100_000)]);
    const [row] = await client.query<{ x: string }>("SELECT x FROM t");
    assert.equal(row!.x.length, 100_000);
    await assert.rejects(client.query("SELECT nothing"), { code: "sql" });
    const live = client.live<{ n: number }>("SELECT count(*) AS n FROM t");
    assert.deepEqual((await live.next()).value!.rows, [{ n: 1 }]);
    await live.return(undefined);
    await using other = connect({
      urls: [address],
      secret: SECRET,
      ca: new TestAuthority().pem,
    });
    await assert.rejects(one(other), /not believed/);
  });
});

Deno.test("a client of either scheme says what a port of the other needs", async () => {
  await withMember({ tlsAutoCertificates: true }, async (address) => {
    await using plain = connect({ urls: [address], secret: SECRET });
    await assert.rejects(one(plain), /speaks TLS: its URL begins with https:/);
  });
  await withMember({}, async (address) => {
    await using secure = connect({
      urls: [`https://${address}`],
      secret: SECRET,
    });
    await assert.rejects(one(secure), /speaks no TLS: its URL begins with htt/);
  });
});

Deno.test("what cannot be is refused in words", () => {
  const ca = new TestAuthority().pem;
  const secret = SECRET;
  for (
    const [options, message] of [
      [{ urls: ["http://a:1"], ca }, /ca: http:\/\/a:1 is not https/],
      [{ urls: ["a:1"], ca: "/etc/ca.pem" }, /ca: expected certificates in P/],
      [{ urls: ["a:1"], ca, dangerTlsNoVerify: true }, /give one of them/],
    ] as const
  ) {
    assert.throws(() => connect({ secret, ...options }), {
      code: "invalid",
      message,
    });
  }
});

Deno.test("while the API secret changes, clients with either are answered and can verify", async () => {
  const old = "the-secret-of-before!";
  await withMember(
    { tlsAutoCertificates: true, secretApiPrevious: old },
    async (address) => {
      const urls = [`https://${address}`];
      for (const secret of [SECRET, old]) {
        await using client = connect({ urls, secret });
        assert.deepEqual(await one(client), [{ one: 1 }]);
      }
      const ca = (await Authority.derive("api", SECRET)).certificate();
      await using wrong = connect({ urls, ca, secret: "some-other-secret-of" });
      await assert.rejects(one(wrong), { code: "unauthorized" });
    },
  );
});
