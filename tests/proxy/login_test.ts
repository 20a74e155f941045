import assert from "node:assert/strict";
import { Program } from "../cli/program.ts";
import { poll } from "../cluster/harness.ts";
import { NetnsNetwork } from "../cluster/netns.ts";
import { NAMESPACES, testNeeding } from "../cluster/requirements.ts";
import { hashPassword } from "../../src/password/argon2.ts";

const SECRET = "api-secret-0123456789";
const MEMBER = 1;
const PROXY = 2;
const STRANGER = 3;

/** Signs in as a page does, with headers that are a lie, and prints the answer's status. */
const SIGN_IN = `
const [url, password, forged] = Deno.args;
const { status } = await fetch(url + "/dashboard/api/session", {
  method: "POST",
  body: JSON.stringify({ password }),
  headers: {
    origin: url,
    "content-type": "application/json",
    ...JSON.parse(forged),
  },
});
console.log(status);
`;

/** The answer's status to somebody who has the address of `node`. */
async function signIn(
  network: NetnsNetwork,
  node: number,
  args: readonly [url: string, password: string],
  forged: Readonly<Record<string, string>> = {},
): Promise<number> {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  await Deno.writeTextFile(script, SIGN_IN);
  const [program, ...rest] = network.command(node, [
    Deno.execPath(),
    ...["run", "--no-config", "--quiet", "--allow-net", script],
    ...args,
    JSON.stringify(forged),
  ]);
  const { stdout, stderr } = await new Deno.Command(program!, { args: rest })
    .output();
  await Deno.remove(script);
  const said = new TextDecoder();
  const status = Number(said.decode(stdout));
  assert.ok(status > 0, said.decode(stderr));
  return status;
}

/** A member and a proxy, each with an address of its own. */
async function withProxy(
  test: (network: NetnsNetwork, urls: [string, string]) => Promise<void>,
): Promise<void> {
  const dataDir = await Deno.makeTempDir({ prefix: "hiqlite-login-" });
  await using network = await NetnsNetwork.create(3);
  const urls: [string, string] = [
    network.apiUrl(MEMBER),
    network.apiUrl(PROXY),
  ];
  const { host, hostname } = new URL(urls[0]);
  const env = {
    HQL_NODES: `1 ${hostname}:8100 ${host}`,
    HQL_DATA_DIR: dataDir,
    HQL_SECRET_API: SECRET,
    HQL_SECRET_RAFT: "raft-secret-0123456789",
    HQL_PASSWORD_DASHBOARD: await hashPassword("right"),
  };
  const hosts = ["0.0.0.0", "127.0.0.1", hostname, new URL(urls[1]).hostname];
  const started = (node: number, command: string): Program =>
    new Program([command, "--no-config-file"], env, hosts, {
      through: network.command(node, []),
    });
  try {
    await using member = started(MEMBER, "serve");
    await using proxy = started(PROXY, "proxy");
    await poll("the proxy to be ready", 60_000, async () => {
      const response = await fetch(`${urls[1]}/ready`).catch(() => null);
      await response?.body?.cancel();
      return response?.ok ?? false;
    }).catch((error) => {
      throw new Error(`${member.output}\n${proxy.output}`, { cause: error });
    });
    await test(network, urls);
  } finally {
    await Deno.remove(dataDir, { recursive: true });
  }
}

const testInNamespaces = await testNeeding(NAMESPACES);

testInNamespaces(
  "behind a proxy, who gives wrong passwords waits, whatever address he claims; others do not",
  () =>
    withProxy(async (network, [member, proxy]) => {
      // The second time he comes to the member itself.
      for (const url of [proxy, member]) {
        const lie = (n: number): Record<string, string> => ({
          "x-hiqlite-client": `10.9.9.${n} ${Date.now().toString(36)}.${
            "A".repeat(43)
          }`,
          "x-hiqlite-from": `tag 10.9.9.${n}`,
          "x-forwarded-for": `10.9.9.${n}`,
        });
        const answers: number[] = [];
        // The wait is one second after two wrong ones, and then twice as long each time.
        for (let n = 1; !answers.includes(429); n++) {
          assert.ok(n < 10, `${url}: ${answers}`);
          answers.push(await signIn(network, STRANGER, [url, "wrong"], lie(n)));
        }
        if (url === proxy) assert.deepEqual(answers.slice(0, 2), [401, 401]);
        const other = url === proxy ? MEMBER : PROXY;
        assert.equal(await signIn(network, other, [url, "wrong"]), 401);
        assert.equal(await signIn(network, other, [url, "right"]), 200);
      }
    }),
);
