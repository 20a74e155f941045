import assert from "node:assert/strict";
import { SECRET_API, TestCluster } from "./harness.ts";

const ENDLESS =
  "WITH RECURSIVE c(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c) SELECT max(x) FROM c";
/** What an honest query may take in all, ms; endless ones may take four times that. */
const HONEST_MS = 15_000;

function ask(
  url: string,
  sql: string,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(`${url}/api/v1/query`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-api-secret": SECRET_API },
    body: JSON.stringify({ sql, timeout_ms: timeoutMs }),
    ...signal === undefined ? {} : { signal },
  });
}

for (const count of [6, 100]) {
  Deno.test(`M3 over HTTP a short query is answered beside ${count} endless ones that are asked again and again`, async () => {
    await using cluster = await TestCluster.start({
      nodes: 1,
      environment: { HQL_QUERY_TIMEOUT_MS: `${4 * HONEST_MS}` },
    });
    const url = cluster.network.apiUrl(1);
    const left = new AbortController();
    const crowd = Array.from({ length: count }, async () => {
      while (!left.signal.aborted) {
        const answer = await ask(url, ENDLESS, 4 * HONEST_MS, left.signal)
          .catch(() => null);
        await answer?.body?.cancel();
      }
    });
    const problems: string[] = [];
    for (let n = 0; n < 20; n++) {
      const answer = await ask(url, `SELECT ${n} AS n`, HONEST_MS);
      const text = await answer.text();
      if (answer.status !== 200) problems.push(`${answer.status} ${text}`);
    }
    left.abort();
    await Promise.all(crowd);
    assert.deepEqual(problems, []);
    await cluster.write(1, "CREATE TABLE t (n)");
  });
}
