import assert from "node:assert/strict";
import { isEnvFile, parseEnvFile } from "../../src/config/env_file.ts";

/** As Hiqlite's ConfigMap has it. */
const MANIFEST = `HQL_NODE_ID_FROM=k8s

HQL_NODES="
1 hiqlite-0.hiqlite-headless:8100 hiqlite-0.hiqlite-headless:8200
2 hiqlite-1.hiqlite-headless:8100 hiqlite-1.hiqlite-headless:8200
"

HQL_LOG_STATEMENTS=false
HQL_INSECURE_COOKIE=true
`;

Deno.test("parseEnvFile() reads what Hiqlite's manifests mount", () => {
  assert.ok(isEnvFile(MANIFEST));
  assert.deepEqual([...parseEnvFile(MANIFEST, "config")], [
    ["HQL_NODE_ID_FROM", "k8s"],
    [
      "HQL_NODES",
      "\n1 hiqlite-0.hiqlite-headless:8100 hiqlite-0.hiqlite-headless:8200\n2 hiqlite-1.hiqlite-headless:8100 hiqlite-1.hiqlite-headless:8200\n",
    ],
    ["HQL_LOG_STATEMENTS", "false"],
    ["HQL_INSECURE_COOKIE", "true"],
  ]);
});

const VALUES: readonly (readonly [string, string])[] = [
  ["plain", "plain"],
  ["  spaces around  ", "spaces around"],
  ["a value # and a comment", "a value"],
  ["a#b", "a#b"],
  ["", ""],
  ["# nothing but a comment", ""],
  ["'as $IT \\n stands' # comment", "as $IT \\n stands"],
  ['"a\\nb \\"c\\" \\\\ \\$d \\x"', 'a\nb "c" \\ $d \\x'],
  ["$SECRETS", "$SECRETS"],
  ["'two\nlines'", "two\nlines"],
];

for (const [text, value] of VALUES) {
  Deno.test(`parseEnvFile() takes ${JSON.stringify(text)} for ${JSON.stringify(value)}`, () => {
    for (const end of ["\n", "", "\r\n", "\nHQL_B=2\n"]) {
      const read = parseEnvFile(
        `# first\n\n export HQL_A = ${text}${end}`,
        "f",
      );
      assert.equal(read.get("HQL_A"), value);
      assert.equal(read.get("HQL_B"), end.includes("B") ? "2" : undefined);
    }
  });
}

const WRONG: readonly (readonly [string, RegExp])[] = [
  ["HQL_A=1\nnonsense\n", /^config: line 2: expected NAME=value/],
  ['HQL_A="x\n', /line 1: the quote of HQL_A has no end/],
  ["HQL_A='x'y\n", /line 1: unexpected text behind the value of HQL_A/],
  ["HQL_A=1\n\nHQL_A=2\n", /line 3: HQL_A is set twice/],
];

for (const [text, message] of WRONG) {
  Deno.test(`parseEnvFile() refuses ${JSON.stringify(text)}, and repeats no value`, () => {
    assert.throws(() => parseEnvFile(text, "config"), {
      code: "config",
      message,
    });
  });
}

Deno.test("isEnvFile() takes no TOML for variables", () => {
  assert.ok(!isEnvFile("[hiqlite]\nnode_id = 1\n"));
  assert.ok(!isEnvFile('[hiqlite]\nsecret_api = """\nHQL_A=1\n"""\n'));
  assert.ok(!isEnvFile("node_id = 1\n"));
  assert.ok(isEnvFile("# comment\nexport ENC_KEY_ACTIVE=a\n"));
});
