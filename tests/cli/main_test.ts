import assert from "node:assert/strict";
import { join } from "node:path";
import { FakeMember } from "../client/fake_member.ts";
import { createApp } from "../../src/server/app.ts";
import { type ErrorCode, HiqliteError } from "../../src/errors.ts";
import { logLines } from "../../src/cli/terminal.ts";
import { resolveConfig } from "../../src/config/resolve.ts";
import { verifyPassword } from "../../src/password/argon2.ts";
import { parsePasswordHash } from "../../src/password/password_hash.ts";
import { run } from "./fake_terminal.ts";

const SECRET = "api-secret-0123456789";

async function withFolder(
  work: (folder: string) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("--version prints the version", async () => {
  assert.deepEqual(await run(["--version"]), {
    code: 0,
    out: "hiqlite 1.2.3",
    error: "",
  });
});

Deno.test("--help lists the commands, and no hidden ones", async () => {
  const { code, out } = await run(["--help"]);
  assert.equal(code, 0);
  for (const name of ["serve", "generate-config", "cluster", "dev"]) {
    assert.match(out, new RegExp(`^  ${name} `, "m"));
  }
  assert(!out.includes("__"), out);
});

for (const name of ["serve", "generate-config", "cluster", "dev"]) {
  Deno.test(`${name} --help explains its flags`, async () => {
    const { code, out } = await run([name, "--help"]);
    assert.equal(code, 0);
    assert.match(out, new RegExp(`^Usage: hiqlite ${name}`));
    assert.deepEqual(await run(["help", name]), { code, out, error: "" });
    assert(!out.includes("until-stdin-ends"));
  });
}

Deno.test("serve --help names every variable", async () => {
  const { out } = await run(["serve", "--help"]);
  for (const name of ["HQL_NODES", "HQL_SECRET_API", "HQL_LOG_SYNC"]) {
    assert.match(out, new RegExp(`^  ${name} \\[`, "m"));
  }
  assert.match(
    out,
    /HQL_TLS_AUTO_CERTS \[false\]\n +In the file: tls_auto_certificates\./,
  );
  assert.equal(/In the file: (node_id|enc_keys)\./.test(out), false);
});

const MISUSES: readonly [readonly string[], RegExp][] = [
  [[], /A command is missing/],
  [["sevre"], /Unknown command 'sevre'; did you mean 'serve'\?/],
  [["nothing-like-it"], /Unknown command 'nothing-like-it'$/m],
  [["__proto__"], /Unknown command '__proto__'/],
  [["serve", "--no-such-thing"], /serve: Unknown option '--no-such-thing'$/m],
  [["serve", "--nod-id=1"], /'--nod-id'; did you mean '--node-id'\?/],
  [["serve", "--node=1"], /'--node'; did you mean '--node-id'\?/],
  [["serve", "--no"], /serve: Unknown option '--no'$/m],
  [["serve", "extra"], /Unexpected argument 'extra'/],
  [["serve", "--node-id"], /--node-id/],
  [["serve", "--node-id=1", "--node-id=2"], /'--node-id' is given twice/],
  [["cluster"], /A command is missing/],
  [
    ["cluster", "stauts"],
    /Unknown command 'cluster stauts'; did you mean 'status'\?/,
  ],
  [["lock", "lst"], /Unknown command 'lock lst'; did you mean 'list'\?/],
  [["token", "creat"], /'token creat'; did you mean 'create'\?/],
  [["cache", "conter"], /'cache conter'; did you mean 'counter'\?/],
  [["backup", "lst"], /'backup lst'; did you mean 'list'\?/],
  [["generate", "k9s"], /'generate k9s'; did you mean 'k8s'\?/],
  [["tls", "cb"], /Unknown command 'tls cb'$/m],
  [["password", "secret-in-the-open"], /it is asked for$/m],
  [["generate-config", "x"], /Unexpected argument 'x'/],
  [["generate-config", "-p", "a".repeat(12), "x"], /Unexpected argument 'x'/],
  [["healthcheck", "--url=localhost"], /begins with http.*not 'localhost'/],
  [["cluster", "promote"], /The node id is missing/],
  [["cluster", "promote", "two"], /node id is a number .*, not 'two'/],
  [["cluster", "promote", "2", "3"], /Unexpected argument '3'/],
  [["cluster", "status", "2"], /Unexpected argument '2'/],
  [["cluster", "remove", "2", "--api-address=a:1"], /belong to add-learner/],
  [
    ["cluster", "add-learner", "4", "--raft-address=nonsense"],
    /--raft-address: expected host:port .* got "nonsense"/,
  ],
  [
    ["cluster", "add-learner", "4", "--api-address=a:1"],
    /--api-address needs --raft-address/,
  ],
  [["dev", "--nodes=9"], /'--nodes' is a number from 1 to 7/],
];
for (const [args, message] of MISUSES) {
  Deno.test(`"hiqlite ${args.join(" ")}" shows usage and ends with 2`, async () => {
    const { code, out, error } = await run(args);
    assert.equal(code, 2);
    assert.equal(out, "");
    assert.match(error, message);
    assert.match(error, /Usage: hiqlite/);
  });
}

const REFUSALS: readonly [string[], Record<string, string>, RegExp][] = [
  [
    ["--no-config-file"],
    { HQL_NOPE: "1" },
    /^hiqlite serve: HQL_NOPE: unknown key; did you mean HQL_NODES\?$/,
  ],
  [
    ["--no-config-file", "--node-id=x"],
    {},
    /^hiqlite serve: --node-id: expected an integer .* got "x"$/,
  ],
  [
    ["--no-config-file", "--log-format=xml"],
    {},
    /^hiqlite serve: --log-format: expected "auto" or .* got "xml"$/,
  ],
  [
    ["--no-config-file", "--log-level=loud"],
    {},
    /^hiqlite serve: --log-level: expected "debug" or .* got "loud"$/,
  ],
  [["-c", "/no/such.toml"], {}, /Cannot read \/no\/such\.toml: /],
];
for (const [args, env, message] of REFUSALS) {
  Deno.test(`serve ${args.join(" ")} ${Object.keys(env)} names the key, without a stack`, async () => {
    const { code, error } = await run(["serve", ...args], env);
    assert.equal(code, 1);
    assert.match(error, message);
    assert(!/\bat .*\.ts/.test(error), error);
  });
}

Deno.test("generate-config writes a private file that is a configuration", () =>
  withFolder(async (folder) => {
    const path = join(folder, "deep", "hiqlite.toml");
    const { code, out } = await run(["generate-config", "-c", path]);
    assert.equal(code, 0);
    assert.match(out, /hiqlite serve -c/);
    const toml = await Deno.readTextFile(path);
    assert.equal(resolveConfig({ env: {}, toml }).config.nodeId, 1);
    if (Deno.build.os !== "windows") {
      assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
    }
  }));

Deno.test("generate-config makes a password, which is shown once, and a key for backups", async () => {
  const { out, error } = await run(["generate-config", "-c", "-"]);
  const password = /^Password: (\S{24}) /.exec(error)![1]!;
  assert.ok(!out.includes(password));
  const { config } = resolveConfig({ env: {}, toml: out });
  assert.equal(config.insecureCookie, false);
  const hash = parsePasswordHash(config.passwordDashboard)!;
  assert.equal(await verifyPassword(password, hash), true);
  const [key] = config.encKeys;
  assert.equal(config.encKeyActive, key!.id);
  assert.equal(key!.key.length, 32);
});

Deno.test("generate-config takes a password that is typed, piped or given, and --insecure-cookie", async () => {
  const chosen = "123SuperSafe";
  const ways: Parameters<typeof run>[] = [
    [["-p", chosen], {}],
    [["-p"], {}, [chosen, "more"]],
    [["--password"], {}, [], [chosen, chosen]],
  ];
  for (const [args, ...rest] of ways) {
    const { code, out, error } = await run(
      ["generate-config", "-c", "-", "--insecure-cookie", ...args],
      ...rest,
    );
    assert.equal(code, 0, error);
    assert.doesNotMatch(error, /kept nowhere/);
    const { config } = resolveConfig({ env: {}, toml: out });
    assert.equal(config.insecureCookie, true);
    const hash = parsePasswordHash(config.passwordDashboard)!;
    assert.equal(await verifyPassword(chosen, hash), true);
  }
});

Deno.test("generate-config replaces a file only with --force", () =>
  withFolder(async (folder) => {
    const path = join(folder, "hiqlite.toml");
    await Deno.writeTextFile(path, "mine", { mode: 0o644 });
    const { code, error } = await run(["generate-config", "-c", path]);
    assert.equal(code, 1);
    assert.match(error, /is there already; --force replaces it/);
    assert.equal(await Deno.readTextFile(path), "mine");
    const forced = await run(["generate-config", "-f", "-c", path]);
    assert.equal(forced.code, 0);
    assert.equal((await Deno.stat(path)).mode! & 0o777, 0o600);
  }));

Deno.test("generate-config writes to ~/.hiqlite by default", () =>
  withFolder(async (folder) => {
    await run(["generate-config"], { HOME: folder });
    await Deno.stat(join(folder, ".hiqlite", "hiqlite.toml"));
  }));

Deno.test("a list of variables is a configuration, and the environment wins over it", () =>
  withFolder(async (folder) => {
    const path = join(folder, "config");
    const failure = async (text: string, env: Record<string, string> = {}) => {
      await Deno.writeTextFile(path, text);
      const { code, error } = await run(["serve", "-c", path], env);
      assert.equal(code, 1);
      return error;
    };
    assert.match(
      await failure("HQL_NODE_ID=1\nHQL_READ_POOL_SIZE=many\n"),
      /HQL_READ_POOL_SIZE: .*many/,
    );
    assert.match(
      await failure("HQL_NODE_ID=1\nHQL_READ_POOL_SIZE=4\n", {
        HQL_READ_POOL_SIZE: "few",
      }),
      /HQL_READ_POOL_SIZE: .*few/,
    );
    assert.match(await failure("HQL_NODEID=1\n"), /did you mean HQL_NODE_ID/);
    assert.match(
      await failure('HQL_NODE_ID="1\n'),
      /config: line 1: the quote/,
    );
  }));

Deno.test("generate-config -c - prints the configuration", async () => {
  const { code, out } = await run(["generate-config", "-c", "-"]);
  assert.equal(code, 0);
  resolveConfig({ env: {}, toml: out });
});

async function withServer(
  work: (address: string, member: FakeMember) => Promise<void>,
): Promise<void> {
  const member = new FakeMember();
  const app = createApp(member, { secretApi: SECRET });
  const server = Deno.serve({
    hostname: "127.0.0.1",
    port: 0,
    onListen: () => {},
  }, app.fetch);
  try {
    await work(`127.0.0.1:${server.addr.port}`, member);
  } finally {
    await server.shutdown();
    await member.shutdown();
  }
}

Deno.test("cluster status shows the members", () =>
  withServer(async (address) => {
    const { code, out } = await run(
      ["cluster", "status", "--url", address],
      { HQL_SECRET_API: SECRET },
    );
    assert.equal(code, 0);
    assert.match(out, /^Cluster c0ffee, term 3, leader node 1$/m);
    assert.match(
      out,
      /^1\* +leader +yes +0 +127\.0\.0\.1:8100 +127\.0\.0\.1:8200 +1\.0+aa$/m,
    );
  }));

Deno.test("cluster status --json answers what the API does", () =>
  withServer(async (address) => {
    const { out } = await run(
      ["cluster", "status", "--json", "--url", `http://${address}`],
      { HQL_SECRET_API: SECRET },
    );
    assert.equal(JSON.parse(out).members[0].role, "leader");
  }));

Deno.test("cluster finds addresses and secret in the configuration", () =>
  withServer((address) =>
    withFolder(async (folder) => {
      const path = join(folder, "hiqlite.toml");
      await Deno.writeTextFile(
        path,
        `[hiqlite]
nodes = ["1 127.0.0.1:1 ${address}"]
secret_raft = "raft-secret-0123456789"
secret_api = "${SECRET}"
`,
      );
      const { code } = await run(["cluster", "status", "-c", path]);
      assert.equal(code, 0);
    })
  ));

Deno.test("cluster finds the secret a single member made for itself", () =>
  withServer((address) =>
    withFolder(async (folder) => {
      for (const name of ["secret_api", "secret_raft"]) {
        await Deno.writeTextFile(join(folder, name), `${SECRET}\n`);
      }
      const { code, error } = await run(["cluster", "status"], {
        HQL_DATA_DIR: folder,
        HQL_NODES: `1 127.0.0.1:1 ${address}`,
      });
      assert.equal(code, 0, error);
    })
  ));

Deno.test("cluster says where a secret could come from", () =>
  withFolder(async (folder) => {
    const { code, error } = await run(["cluster", "status"], {
      HQL_DATA_DIR: join(folder, "none"),
    });
    assert.equal(code, 1);
    assert.match(error, /--secret-file or HQL_SECRET_API/);
  }));

Deno.test("cluster changes members", () =>
  withServer(async (address, member) => {
    const ask = async (...args: string[]) => {
      const { code, error } = await run(
        ["cluster", ...args, "--url", address],
        { HQL_SECRET_API: SECRET },
      );
      assert.equal(code, 0, error);
    };
    await ask("add-learner", "4", "--raft-address=a:1", "--api-address=a:2");
    await ask("promote", "4");
    await ask("demote", "4");
    await ask("remove", "4");
    await ask("transfer");
    await ask("transfer", "2");
    assert.deepEqual(member.changes, [
      {
        action: "add-learner",
        nodeId: 4,
        raftAddress: "a:1",
        apiAddress: "a:2",
      },
      { action: "promote", nodeId: 4 },
      { action: "demote", nodeId: 4 },
      { action: "remove", nodeId: 4 },
      { target: undefined },
      { target: 2 },
    ]);
  }));

Deno.test("cluster reports a wrong secret without repeating it", () =>
  withServer(async (address) => {
    const { code, error } = await run(
      ["cluster", "status", "--url", address],
      { HQL_SECRET_API: "another-secret-01234" },
    );
    assert.equal(code, 1);
    assert.match(
      error,
      /^hiqlite cluster: The API secret or the token is wrong; give the right one with --secret-file or HQL_SECRET_API$/,
    );
  }));

Deno.test("cluster says what can be done about a refusal", () =>
  withServer(async (address, member) => {
    const cases: [code: ErrorCode, advice: RegExp][] = [
      ["invalid", /status` shows the members$/],
      ["conflict", /status` shows the members$/],
      ["no_leader", /a majority of the voters must be up/],
      ["outcome_unknown", /status` shows whether it was$/],
      ["timeout", /status` shows what became of it$/],
      ["too_large", /^hiqlite cluster: why$/],
    ];
    for (const [code, advice] of cases) {
      member.faults.length = 0;
      // Without a leader it is asked again as long as there is time.
      for (let i = 0; i < (code === "no_leader" ? 99 : 1); i++) {
        member.faults.push(new HiqliteError(code, "why"));
      }
      const { code: exit, error } = await run(
        ["cluster", "promote", "2", "--url", address, "--timeout", "1"],
        { HQL_SECRET_API: SECRET },
      );
      assert.equal(exit, 1);
      assert.match(error, /why/);
      assert.match(error, advice);
    }
  }));

Deno.test("logLines() writes JSON for machines", () => {
  const lines: string[] = [];
  const sink = logLines("json", (line) => lines.push(line), () => new Date(0));
  sink({ level: "warn", message: "slow\n", fields: { ms: 5, at: undefined } });
  assert.deepEqual(lines, [
    '{"time":"1970-01-01T00:00:00.000Z","level":"warn","message":"slow\\n","ms":5}',
  ]);
});

Deno.test("logLines() lets no text from outside forge a line", () => {
  const lines: string[] = [];
  const sink = logLines("text", (line) => lines.push(line), () => new Date(0));
  sink({
    level: "info",
    message: "asked for\n00:00:00 INFO all is well",
    fields: { path: "/\x1b[2J\u202egpj\u2066\x9b", tab: "\t", n: undefined },
  });
  assert.deepEqual(lines, [
    "00:00:00.000 INFO  asked for | 00:00:00 INFO all is well path=/?[2J?gpj?? tab=\t",
  ]);
});

Deno.test("the command that the dashboard gives for a new member is one", async () => {
  const page = await Deno.readTextFile(
    new URL("../../dashboard/pages/overview_single.tsx", import.meta.url),
  );
  const [, words] = page.match(/hiqlite (cluster add-learner [^"&]+)"/)!;
  const { code, error } = await run([
    ...words!.replaceAll("<host>", "127.0.0.1").split(" "),
    ...["--url", "http://127.0.0.1:1", "--secret-file", "/no/such/file"],
  ]);
  assert.match(error, /The secret in \/no\/such\/file cannot be read/);
  assert.equal(code, 1);
});
