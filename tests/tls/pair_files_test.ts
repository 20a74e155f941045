import assert from "node:assert/strict";
import { join } from "node:path";
import { ConfigError } from "../../src/errors.ts";
import { filesMark, readPair } from "../../src/tls/pair_files.ts";
import { checkPair, validityProblem } from "../../src/tls/pem_pair.ts";
import { made, TestAuthority, writePair } from "./pems.ts";

Deno.test("a pair is read whatever form its key has", () => {
  const ec = made();
  const rsa = made({ key: "RSA" });
  const ed = made({ key: "Ed25519" });
  const forms = [
    { key: ec.key, chain: ec.chain },
    {
      key: ec.keyObject.export({ type: "sec1", format: "pem" }) as string,
      chain: ec.chain,
    },
    { key: rsa.key, chain: rsa.chain },
    {
      key: rsa.keyObject.export({ type: "pkcs1", format: "pem" }) as string,
      chain: rsa.chain,
    },
    { key: ed.key, chain: ed.chain },
  ];
  for (const form of forms) {
    const pair = checkPair(form);
    assert.match(pair.key, /^-----BEGIN PRIVATE KEY-----/);
    assert.match(pair.sha256, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/);
  }
});

Deno.test("the chain may lead on to an authority, and comes after the server's certificate", () => {
  const authority = new TestAuthority();
  const { key, chain } = made({ authority });
  const pair = checkPair({ key, chain: `a note\n${chain}${authority.pem}` });
  assert.equal(pair.last.trim(), authority.pem.trim());
  assert.equal(pair.sha256, checkPair({ key, chain }).sha256);
  assert.throws(() => checkPair({ key, chain: authority.pem + chain }), {
    part: "cert",
    message: /certificate is number 2 in the file; put it first/,
  });
});

Deno.test("what cannot be a pair is refused, the file and its key named, and no key shown", async () => {
  const dir = await Deno.makeTempDir();
  try {
    const one = made();
    const other = made();
    const refused = (
      pair: { key: string; chain: string },
      key: string,
      message: RegExp,
    ): void => {
      const files = { listener: "api" as const, ...writePair(dir, pair) };
      assert.throws(() => readPair(files), (error: unknown) => {
        assert.ok(error instanceof ConfigError);
        assert.equal(error.key, key);
        assert.match(error.message, message);
        assert.ok(error.message.includes(dir), error.message);
        assert.ok(!error.message.includes("BEGIN"), error.message);
        return true;
      });
    };
    refused(
      { key: other.key, chain: one.chain },
      "tls_api_cert",
      /none of its certificates is of the key's public half/,
    );
    refused({ key: "", chain: one.chain }, "tls_api_key", /no private key/);
    refused({ key: one.chain, chain: one.chain }, "tls_api_key", /no private/);
    refused({ key: one.key, chain: one.key }, "tls_api_cert", /no certificate/);
    refused(
      { key: one.key, chain: one.chain.replace(/\n.{40}/, "\n") },
      "tls_api_cert",
      /certificate 1 in it is damaged/,
    );
    refused(
      {
        key: one.keyObject.export({
          type: "pkcs8",
          format: "pem",
          cipher: "aes-256-cbc",
          passphrase: "x",
        }) as string,
        chain: one.chain,
      },
      "tls_api_key",
      /encrypted with a passphrase/,
    );
    const files = { listener: "raft" as const, ...writePair(dir, one) };
    assert.throws(() => readPair({ ...files, key: join(dir, "none.pem") }), {
      key: "tls_raft_key",
      message: /cannot read .*none\.pem/,
    });
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});

Deno.test("a certificate out of its time is told of, and one that soon will be", () => {
  const problem = (from: number, until: number): string | null => {
    const { key, chain } = made({ from, until });
    return validityProblem(checkPair({ key, chain }), Date.now());
  };
  assert.match(problem(-30, -1)!, /^expired on \d{4}-\d\d-\d\d$/);
  assert.match(problem(2, 400)!, /^not valid before \d{4}-\d\d-\d\d$/);
  assert.match(problem(-30, 13)!, /^expires on \d{4}-\d\d-\d\d$/);
  assert.equal(problem(-30, 15), null);
});

Deno.test("the mark of files changes with what is behind a link, and when one comes or goes", async () => {
  const dir = await Deno.makeTempDir();
  try {
    writePair(join(dir, "one"), made());
    writePair(join(dir, "two"), made());
    const link = join(dir, "data");
    Deno.symlinkSync(join(dir, "one"), link);
    const files = {
      listener: "api" as const,
      key: join(link, "key.pem"),
      cert: join(link, "cert.pem"),
    };
    const first = filesMark(files);
    assert.equal(filesMark(files), first);
    Deno.symlinkSync(join(dir, "two"), join(dir, "new"));
    Deno.renameSync(join(dir, "new"), link);
    const second = filesMark(files);
    assert.notEqual(second, first);
    Deno.removeSync(files.key);
    assert.notEqual(filesMark(files), second);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
});
