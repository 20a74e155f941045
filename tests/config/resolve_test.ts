import assert from "node:assert/strict";
import { ConfigError } from "../../src/errors.ts";
import { type ConfigSources, resolveConfig } from "../../src/config/resolve.ts";

const SECRETS = {
  HQL_SECRET_RAFT: "raft-secret-0123456789",
  HQL_SECRET_API: "api-secret-0123456789",
};
const THREE = `
  1 host-1:8100 host-1:8200
  2 host-2:8100 host-2:8200
  3 [2001:db8::3]:8100 [2001:db8::3]:8200
`;

function failure(sources: Partial<ConfigSources>): ConfigError {
  try {
    resolveConfig({ env: {}, ...sources });
  } catch (error) {
    assert(error instanceof ConfigError, String(error));
    return error;
  }
  throw new assert.AssertionError({ message: "resolveConfig() did not throw" });
}

function env(extra: Record<string, string>): ConfigSources {
  return { env: { ...SECRETS, ...extra } };
}

Deno.test("resolveConfig() without any source is one loopback member with generated secrets", () => {
  const asked: string[] = [];
  const { config, generated } = resolveConfig({
    env: {},
    generateSecret: (key, dataDir) => {
      asked.push(`${key} ${dataDir}`);
      return `generated-${key}-01234`;
    },
  });
  assert.deepEqual(config.nodes, [
    { id: 1, raft: "127.0.0.1:8100", api: "127.0.0.1:8200" },
  ]);
  assert.equal(config.nodeId, 1);
  assert.equal(config.listenAddrApi, "127.0.0.1");
  assert.equal(config.listenAddrRaft, "127.0.0.1");
  assert.deepEqual(config.logSync, { mode: "immediate" });
  assert.deepEqual(asked, ["secret_raft data", "secret_api data"]);
  assert.equal(config.secretApi, "generated-secret_api-01234");
  assert.deepEqual(generated, ["secret_raft", "secret_api"]);
});

Deno.test("resolveConfig() returns a frozen configuration", () => {
  const { config } = resolveConfig(env({}));
  assert(Object.isFrozen(config) && Object.isFrozen(config.nodes));
});

Deno.test("resolveConfig() reads HQL_NODES lines with names and IPv6 addresses", () => {
  const { config } = resolveConfig(env({ HQL_NODES: THREE, HQL_NODE_ID: "3" }));
  assert.equal(config.nodes.length, 3);
  assert.deepEqual(config.nodes[2], {
    id: 3,
    raft: "[2001:db8::3]:8100",
    api: "[2001:db8::3]:8200",
  });
  assert.deepEqual([config.listenAddrRaft, config.listenAddrApi], ["::", "::"]);
  const first = resolveConfig(env({ HQL_NODES: THREE, HQL_NODE_ID: "1" }));
  assert.equal(first.config.listenAddrApi, "0.0.0.0");
});

Deno.test("resolveConfig() listens on ::1 when the only node is there", () => {
  const { config } = resolveConfig(
    env({ HQL_NODES: "1 [::1]:8100 [::1]:8200" }),
  );
  assert.equal(config.listenAddrApi, "::1");
});

Deno.test("resolveConfig() accepts an IPv6 listen address with brackets", () => {
  const { config } = resolveConfig(env({ HQL_LISTEN_ADDR_API: "[::]" }));
  assert.equal(config.listenAddrApi, "::");
});

Deno.test("resolveConfig() lets the environment win over the file and flags over both", () => {
  const { config } = resolveConfig({
    env: { ...SECRETS, HQL_READ_POOL_SIZE: "7", HQL_LOG_LEVEL: "warn" },
    toml: "[hiqlite]\nread_pool_size = 3\nwal_size = 16384\nlog_level='info'",
    flags: { log_level: "debug" },
  });
  assert.equal(config.readPoolSize, 7);
  assert.equal(config.walSize, 16384);
  assert.equal(config.logLevel, "debug");
});

Deno.test("resolveConfig() takes the node id from a StatefulSet's host name", () => {
  const { config } = resolveConfig({
    ...env({ HQL_NODES: THREE, HQL_NODE_ID_FROM: "k8s" }),
    hostname: () => "hiqlite-2",
  });
  assert.equal(config.nodeId, 3);
});

Deno.test("resolveConfig() refuses k8s with a host name without an ordinal", () => {
  const error = failure({
    ...env({ HQL_NODES: THREE, HQL_NODE_ID_FROM: "k8s" }),
    hostname: () => "laptop",
  });
  assert.match(error.message, /HQL_NODE_ID_FROM.*hiqlite-0.*"laptop"/);
});

Deno.test("resolveConfig() takes $SECRETS from the secrets file", () => {
  const { config } = resolveConfig({
    env: { HQL_SECRETS_FILE: "/run/secrets.toml" },
    toml: '[hiqlite]\nsecret_raft = "$SECRETS"\nsecret_api = "$SECRETS"',
    readFile: (path) => {
      assert.equal(path, "/run/secrets.toml");
      return '[hiqlite]\nsecret_raft = "from-the-file-raft"\nsecret_api = "from-the-file-api-"';
    },
  });
  assert.equal(config.secretRaft, "from-the-file-raft");
  assert.equal(config.secretApi, "from-the-file-api-");
});

Deno.test("resolveConfig() refuses $SECRETS without a secrets file, or one without the key", () => {
  const toml = '[hiqlite]\nsecret_raft = "$SECRETS"';
  assert.match(failure({ toml }).message, /secret_raft.*no secrets_file/);
  const error = failure({
    toml: `${toml}\nsecrets_file = "s.toml"`,
    readFile: () => "[hiqlite]",
  });
  assert.match(error.message, /secret_raft.*s\.toml has no secret_raft/);
});

Deno.test("resolveConfig() names the secrets file it cannot read", () => {
  const error = failure({
    toml: '[hiqlite]\nsecret_raft = "$SECRETS"\nsecrets_file = "gone.toml"',
    readFile: () => {
      throw new Error("No such file");
    },
  });
  assert.match(error.message, /secrets_file: cannot read gone\.toml/);
});

Deno.test("resolveConfig() gives notice of Hiqlite keys that do nothing here", () => {
  const { notices } = resolveConfig(
    env({
      HQL_SPLIT_BRAIN_INTERVAL: "a",
      HQL_CHECK_WAL_INTEGRITY: " ",
      HQL_DANGER_RAFT_STATE_RESET: "false",
    }),
  );
  assert.deepEqual(notices, [
    "HQL_SPLIT_BRAIN_INTERVAL is set and has no effect in this version",
  ]);
});

Deno.test("resolveConfig() ignores variables of others that share the prefix", () => {
  resolveConfig(env({
    HQL_SERVICE_HOST: "10.0.0.1",
    HQL_PORT_8200_TCP_ADDR: "10.0.0.1",
    HQL_HEADLESS_SERVICE_PORT: "8200",
    HQL_TEST_DATA: "/data",
  }));
});

const REFUSED: readonly [string, ConfigSources, string, RegExp][] = [
  [
    "an unknown variable, with the name that was meant",
    env({ HQL_NODE_IDS: "1" }),
    "HQL_NODE_IDS",
    /unknown key; did you mean HQL_NODE_ID\?/,
  ],
  [
    "an unknown TOML key, with the name that was meant",
    { ...env({}), toml: "[hiqlite]\nread_pool_sise = 3" },
    "read_pool_sise",
    /unknown key in hiqlite\.toml; did you mean read_pool_size\?/,
  ],
  [
    "a variable's name in a file that has another one for it",
    { ...env({}), toml: "[hiqlite]\ntls_auto_certs = true" },
    "tls_auto_certs",
    /unknown key in hiqlite\.toml; did you mean tls_auto_certificates\?/,
  ],
  [
    "an unknown key that resembles none",
    { ...env({}), toml: "[hiqlite]\nfoo_bar_bazzle = 3" },
    "foo_bar_bazzle",
    /unknown key in hiqlite\.toml$/,
  ],
  [
    "a number that is none",
    env({ HQL_READ_POOL_SIZE: "four" }),
    "HQL_READ_POOL_SIZE",
    /expected an integer from 1 to 256, got "four"/,
  ],
  [
    "a number out of range",
    env({ HQL_WAL_SIZE: "8191" }),
    "HQL_WAL_SIZE",
    /from 8192 .* got "8191"/,
  ],
  [
    "a fraction in TOML",
    { ...env({}), toml: "[hiqlite]\nread_pool_size = 3.5" },
    "read_pool_size",
    /got 3\.5/,
  ],
  [
    "a boolean in capitals",
    env({ HQL_LOG_STATEMENTS: "TRUE" }),
    "HQL_LOG_STATEMENTS",
    /expected true or false, got "TRUE"/,
  ],
  [
    "an unknown log_sync",
    env({ HQL_LOG_SYNC: "interval_0" }),
    "HQL_LOG_SYNC",
    /"immediate", "immediate_async" or "interval_<ms>".*"interval_0"/,
  ],
  [
    "a short secret",
    { env: { ...SECRETS, HQL_SECRET_API: "hunter2" } },
    "HQL_SECRET_API",
    /at least 16 characters/,
  ],
  [
    "a node line without its API address",
    env({ HQL_NODES: "1 localhost:8100" }),
    "HQL_NODES",
    /expected "<id> <raft host:port> <api host:port>", got "1 localhost:8100"/,
  ],
  [
    "an IPv6 address without brackets",
    env({ HQL_NODES: "1 ::1:8100 ::1:8200" }),
    "HQL_NODES",
    /IPv6 as \[address\]:port.*"::1:8100"/,
  ],
  [
    "port 0 and ports beyond 65535",
    env({ HQL_NODES: "1 localhost:0 localhost:65536" }),
    "HQL_NODES",
    /got "localhost:0"/,
  ],
  [
    "a node id listed twice",
    env({ HQL_NODES: "1 a:1 a:2\n1 b:1 b:2" }),
    "HQL_NODES",
    /node id 1 is listed twice/,
  ],
  [
    "an address listed twice",
    env({ HQL_NODES: "1 a:1 a:1" }),
    "HQL_NODES",
    /address a:1 is listed twice/,
  ],
  [
    "a node id that is not among the nodes",
    env({ HQL_NODES: THREE, HQL_NODE_ID: "4" }),
    "HQL_NODE_ID",
    /node 4 is not in nodes \(1, 2, 3\)/,
  ],
  [
    "several nodes without a node id",
    env({ HQL_NODES: THREE }),
    "node_id",
    /choose one of 1, 2, 3/,
  ],
  [
    "nodes that are no list in TOML",
    { ...env({}), toml: "[hiqlite]\nnodes = 5" },
    "nodes",
    /expected a list/,
  ],
  [
    "a listen address with a port",
    env({ HQL_LISTEN_ADDR_API: "0.0.0.0:8200" }),
    "HQL_LISTEN_ADDR_API",
    /without a port/,
  ],
  [
    "a key without its certificate",
    env({ HQL_TLS_API_KEY: "/etc/key.pem" }),
    "tls_api_key",
    /is set and tls_api_cert is not/,
  ],
  [
    "a certificate without its key",
    env({ HQL_TLS_RAFT_CERT: "/etc/cert.pem" }),
    "tls_raft_cert",
    /is set and tls_raft_key is not/,
  ],
  [
    "a previous secret that was never a secret",
    env({ HQL_SECRET_API_PREVIOUS: "short" }),
    "HQL_SECRET_API_PREVIOUS",
    /at least 16 characters/,
  ],
  [
    "a sync mode of the caches that is none",
    env({ HQL_CACHE_LOG_SYNC: "never" }),
    "HQL_CACHE_LOG_SYNC",
    /"interval_<ms>"/,
  ],
  [
    "an election timeout below two heartbeats",
    env({ HQL_ELECTION_TICKS: "3", HQL_HEARTBEAT_TICKS: "2" }),
    "election_ticks",
    /at least twice heartbeat_ticks \(2\), got 3/,
  ],
  [
    "a data file outside the data folder",
    env({ HQL_FILENAME_DB: "../x.db" }),
    "HQL_FILENAME_DB",
    /file name without a path/,
  ],
  [
    "a file that is not TOML",
    { ...env({}), toml: "[hiqlite\n", tomlPath: "/etc/h.toml" },
    "/etc/h.toml",
    /not valid TOML at line 1/,
  ],
  [
    "what Hiqlite does at a start and this does by a command",
    env({ HQL_DANGER_RAFT_STATE_RESET: "true" }),
    "HQL_DANGER_RAFT_STATE_RESET",
    /has no effect here.*remove it; `hiqlite cluster recover`/,
  ],
  [
    "an import without checks at the start",
    env({ HQL_BACKUP_SKIP_VALIDATION: "true" }),
    "HQL_BACKUP_SKIP_VALIDATION",
    /remove it; `hiqlite restore --import FILE`/,
  ],
  [
    "a burst of what has no limit",
    env({ HQL_RL_CACHE_BURST: "5" }),
    "rate_limit_cache_burst",
    /is 5 and rate_limit_cache_rps is not set/,
  ],
  [
    "an origin with a path",
    env({ HQL_CORS_ORIGINS: "https://a.example, https://b.example/" }),
    "HQL_CORS_ORIGINS",
    /origins such as https:\/\/app\.example\.com, without a path/,
  ],
  [
    "a file without the table",
    { ...env({}), toml: "[hiqlte]\nnode_id = 1" },
    "hiqlite.toml",
    /has no \[hiqlite\] table/,
  ],
  [
    "keys above the table",
    { ...env({}), toml: "node_id = 1\n[hiqlite]" },
    "node_id",
    /belongs below \[hiqlite\]/,
  ],
];
for (const [title, sources, key, message] of REFUSED) {
  Deno.test(`resolveConfig() refuses ${title}`, () => {
    const error = failure(sources);
    assert.equal(error.key, key);
    assert.match(error.message, message);
  });
}

const NEEDS_SECRETS: readonly [string, Record<string, string>][] = [
  ["several nodes", { HQL_NODES: THREE, HQL_NODE_ID: "1" }],
  ["one node with a name", {
    HQL_NODES: "1 db.internal:8100 db.internal:8200",
  }],
  ["a listen address that others reach", { HQL_LISTEN_ADDR_API: "0.0.0.0" }],
  ["a Raft listen address that others reach", { HQL_LISTEN_ADDR_RAFT: "::" }],
];
for (const [title, variables] of NEEDS_SECRETS) {
  Deno.test(`resolveConfig() asks for chosen secrets with ${title}`, () => {
    const error = failure({
      env: variables,
      generateSecret: () => "never-used-0123456789",
    });
    assert.equal(error.key, "secret_raft");
    assert.match(error.message, /HQL_SECRET_RAFT/);
  });
}

Deno.test("resolveConfig() asks for secrets where none may be generated", () => {
  assert.equal(failure({ env: {} }).key, "secret_raft");
});

Deno.test("resolveConfig() never shows a secret, not even a broken one", () => {
  const short = failure({ env: { ...SECRETS, HQL_SECRET_RAFT: "s3cr3t" } });
  assert(!short.message.includes("s3cr3t"));
  const broken = failure({ toml: '[hiqlite]\nsecret_raft = "s3cr3t\n' });
  assert(!broken.message.includes("s3cr3t"));
  const wrongType = failure({ toml: "[hiqlite]\nsecret_raft = 123456" });
  assert(!wrongType.message.includes("123456"));
});

Deno.test("resolveConfig() takes the secret before this one, or none", () => {
  const of = (previous: Record<string, string>): string =>
    resolveConfig({ env: { ...SECRETS, ...previous } }).config
      .secretRaftPrevious;
  assert.equal(of({}), "");
  assert.equal(of({ HQL_SECRET_RAFT_PREVIOUS: "" }), "");
  const previous = "the-former-secret-0123";
  assert.equal(of({ HQL_SECRET_RAFT_PREVIOUS: previous }), previous);
  const short = failure({
    env: { ...SECRETS, HQL_SECRET_RAFT_PREVIOUS: "s3cr3t" },
  });
  assert.match(short.message, /HQL_SECRET_RAFT_PREVIOUS: expected at least 16/);
  assert(!short.message.includes("s3cr3t"));
});
