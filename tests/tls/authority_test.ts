import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { join } from "node:path";
import { createServer } from "node:tls";
import { once } from "node:events";
import { Authority, type PemPair } from "../../src/tls/authority.ts";
import {
  addressBytes,
  ANY_MEMBER,
  certifiedNames,
} from "../../src/tls/names.ts";
import { outputOf, TestAuthority } from "./pems.ts";

const SECRET = "secret-of-the-authority";

/** What `Deno.startTls` says of a server with this pair that is dialed as `hostname`: "ok", or why not. */
async function verdict(
  pair: PemPair,
  hostname: string,
  ca: string,
): Promise<string> {
  const server = createServer(
    { key: pair.key, cert: pair.chain, minVersion: "TLSv1.3" },
    (socket) => socket.on("error", () => {}).resume(),
  );
  server.on("tlsClientError", () => {});
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  const plain = await Deno.connect({ hostname: "127.0.0.1", port });
  try {
    using conn = await Deno.startTls(plain, { hostname, caCerts: [ca] });
    await conn.handshake();
    return "ok";
  } catch (error) {
    return (error as Error).message;
  } finally {
    server.close();
    await once(server, "close");
  }
}

function keyOf(pem: string): string {
  return new X509Certificate(pem).publicKey
    .export({ type: "spki", format: "der" }).toString("hex");
}

Deno.test("the authority of a secret is always the same, and another one for each listener and secret", async () => {
  const api = await Authority.derive("api", SECRET);
  // Frozen: another key would be no authority for the members of before.
  assert.equal(
    keyOf(api.certificate()).slice(-32),
    "dfb5bb272ca70e1f9c55a572cfc5b615",
  );
  const again = await Authority.derive("api", SECRET);
  assert.equal(keyOf(again.certificate()), keyOf(api.certificate()));
  const others = [
    await Authority.derive("raft", SECRET),
    await Authority.derive("api", `${SECRET}!`),
  ];
  for (const other of others) {
    assert.notEqual(keyOf(other.certificate()), keyOf(api.certificate()));
    // Another name too: who does not know it says so, and not that its signature is bad.
    assert.notEqual(
      new X509Certificate(other.certificate()).subject,
      new X509Certificate(api.certificate()).subject,
    );
  }
});

Deno.test("an automatic certificate is verified by the authority of its secret alone, for its names alone", async () => {
  const authority = await Authority.derive("api", SECRET);
  const pair = authority.issue(
    certifiedNames(2, [
      "10.0.0.1",
      "fe80::7%eth0",
      "db.example.com",
      "bücher.de",
    ]),
    new Date(),
  );
  const ca = authority.certificate();
  for (
    const name of [
      "n2.hiqlite.internal",
      "member.hiqlite.internal",
      "localhost",
      "127.0.0.1",
      "::1",
      "10.0.0.1",
      "fe80::7",
      "db.example.com",
      "xn--bcher-kva.de",
    ]
  ) {
    assert.equal(await verdict(pair, name, ca), "ok", name);
  }
  for (const name of ["n1.hiqlite.internal", "10.0.0.2", "example.com"]) {
    assert.match(await verdict(pair, name, ca), /not valid for name/, name);
  }
  const other = await Authority.derive("api", `${SECRET}!`);
  const stranger = new TestAuthority();
  for (const wrong of [other.certificate(), stranger.pem]) {
    assert.match(await verdict(pair, "localhost", wrong), /UnknownIssuer/);
  }
});

Deno.test("while a secret changes, whoever knows the old or the new one verifies", async () => {
  const before = await Authority.derive("raft", SECRET);
  const after = await Authority.derive("raft", `${SECRET}!`);
  const pair = after.issue(certifiedNames(1, []), new Date(), before);
  for (const authority of [before, after]) {
    assert.equal(
      await verdict(pair, ANY_MEMBER, authority.certificate()),
      "ok",
    );
  }
  const third = await Authority.derive("raft", `${SECRET}?`);
  assert.match(
    await verdict(pair, ANY_MEMBER, third.certificate()),
    /UnknownIssuer/,
  );
});

Deno.test("what is issued says who it is, and since and until when", async () => {
  const authority = await Authority.derive("api", SECRET);
  const now = new Date("2049-12-31T12:00:00Z");
  const pair = authority.issue(certifiedNames(3, ["db1"]), now);
  const leaf = new X509Certificate(pair.chain);
  assert.equal(leaf.subject, "CN=n3.hiqlite.internal");
  assert.equal(leaf.validFromDate.toISOString(), "2049-12-29T12:00:00.000Z");
  assert.equal(leaf.validToDate.toISOString(), "2059-12-31T12:00:00.000Z");
  assert.equal(leaf.ca, false);
  assert.ok(leaf.checkPrivateKey(createPrivateKey(pair.key)));
  assert.ok(leaf.checkIssued(new X509Certificate(authority.certificate())));
  const ca = new X509Certificate(authority.certificate());
  assert.equal(ca.ca, true);
  assert.match(ca.subject, /^CN=Hiqlite api authority [0-9a-f]{16}$/);
  assert.equal(ca.validFromDate.toISOString(), "2020-01-01T00:00:00.000Z");
  assert.equal(ca.validToDate.toISOString(), "2120-01-01T00:00:00.000Z");
  const again = new X509Certificate(authority.issue(["n3"], now).chain);
  assert.notEqual(again.serialNumber, leaf.serialNumber);
  assert.notEqual(
    again.publicKey.export({ format: "jwk" }).x,
    leaf.publicKey.export({ format: "jwk" }).x,
  );
});

Deno.test("the runtime and OpenSSL, where it is installed, accept what is issued, to the letter of the standard", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const before = await Authority.derive("api", SECRET);
    const after = await Authority.derive("api", `${SECRET}!`);
    const pair = after.issue(
      certifiedNames(1, ["10.0.0.1"]),
      new Date(),
      before,
    );
    const leaf = join(dir, "leaf.pem");
    Deno.writeTextFileSync(leaf, pair.chain);
    for (const authority of [before, after]) {
      const ca = join(dir, "ca.pem");
      Deno.writeTextFileSync(ca, authority.certificate());
      assert.equal(
        await verdict(pair, "10.0.0.1", authority.certificate()),
        "ok",
      );
      const said = await outputOf("openssl", [
        ...["verify", "-x509_strict", "-purpose", "sslserver"],
        ...["-CAfile", ca, "-untrusted", leaf, leaf],
      ]);
      if (said !== null) assert.match(said.text, /: OK\n$/);
    }
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("addresses have four or sixteen bytes", () => {
  const hex = (host: string): string | null => {
    const bytes = addressBytes(host);
    return bytes === null ? null : Buffer.from(bytes).toString("hex");
  };
  assert.equal(hex("10.0.0.255"), "0a0000ff");
  assert.equal(hex("::"), "0".repeat(32));
  assert.equal(hex("::1"), `${"0".repeat(31)}1`);
  assert.equal(hex("fe80::1:ab"), "fe8000000000000000000000000100ab");
  assert.equal(
    hex("1:2:3:4:5:6:7:8"),
    "00010002000300040005000600070008",
  );
  assert.equal(hex("1::"), `0001${"0".repeat(28)}`);
  assert.equal(hex("db1.example"), null);
});
