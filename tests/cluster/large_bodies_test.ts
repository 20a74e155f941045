import assert from "node:assert/strict";
import { SECRET_API, TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";

const MIB = 1024 * 1024;

/** `{"sql": …, "params": [items…]}` of about `bytes` bytes. */
function bodyOf(first: string, item: string, bytes: number): string {
  const items = `${item},`.repeat(bytes / (item.length + 1));
  return `{"sql":"SELECT 1","params":[${first},${items}1]}`;
}

/** Bodies that once held the main thread for seconds, with the code of their refusal. */
const BODIES: readonly (readonly [string, string, string])[] = [
  ["many ones", bodyOf("1", "1", 20 * MIB), "too_large"],
  [
    "many ones and one long integer",
    bodyOf("1234567890123456789", "1", 20 * MIB),
    "too_large",
  ],
  ["many empty arrays", bodyOf("1", "[]", 20 * MIB), "too_large"],
  [
    "a string of escapes",
    `{"sql":"${"\\u0020".repeat(8 * MIB)}"}`,
    "invalid",
  ],
  ["deep arrays", "[".repeat(20 * MIB), "invalid"],
  ["space", " ".repeat(20 * MIB), "invalid"],
];

for (const maxBodyBytes of [16 * MIB, 64 * MIB]) {
  Deno.test(`large bodies are refused, and the leader leads on (max_body_bytes ${maxBodyBytes})`, async (t) => {
    await using cluster = await TestCluster.start({
      environment: { HQL_MAX_BODY_BYTES: `${maxBodyBytes}` },
    });
    const leader = await cluster.waitLeader();
    await cluster.write(leader, "CREATE TABLE t (n)");
    const term = await termOf(cluster, leader);
    for (const [name, body, code] of BODIES) {
      await t.step(name, async () => {
        const expected = body.length > maxBodyBytes ? "too_large" : code;
        // To each member, so that nobody could take over.
        const answers = cluster.nodes.map((node) => send(cluster, node, body));
        for (const answer of await Promise.all(answers)) {
          assert.equal(answer, expected);
        }
        await cluster.write(leader, "INSERT INTO t VALUES (1)");
        assert.equal(await termOf(cluster, leader), term);
      });
    }
    assert.deepEqual(cluster.complaints, []);
  });
}

async function send(
  cluster: TestCluster,
  node: Node,
  body: string,
): Promise<unknown> {
  const response = await fetch(
    `${cluster.network.apiUrl(node)}/api/v1/execute`,
    {
      method: "POST",
      headers: {
        "x-api-secret": SECRET_API,
        "content-type": "application/json",
      },
      body,
    },
  );
  const { error } = await response.json();
  return error.code;
}

async function termOf(cluster: TestCluster, node: Node): Promise<unknown> {
  const answer = await cluster.api(node).cluster(20_000);
  assert(answer.type === "ok");
  return answer.value.term;
}
