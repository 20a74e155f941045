import { poll, type TestCluster } from "../../tests/cluster/harness.ts";

/** Rows that one statement inserts, of a kilobyte each. */
const ROWS = 500;
/** Statements under way at a time. */
const WRITERS = 4;
const STATEMENT_MS = 120_000;

/**
 * Fills a table with so many megabytes on every member, by statements that make
 * their rows themselves, so that the log stays short; waits until all hold them.
 */
export async function fill(
  cluster: TestCluster,
  megabytes: number,
  progress: (done: number) => void,
): Promise<void> {
  const leader = cluster.api(await cluster.waitLeader());
  const write = async (sql: string): Promise<number> => {
    const answer = await leader.execute({ sql }, { timeoutMs: STATEMENT_MS });
    if (answer.type !== "ok") throw new Error(answer.error);
    return answer.value.index;
  };
  let index = await write(
    "CREATE TABLE filler (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT",
  );
  let begun = 0;
  const writer = async (): Promise<void> => {
    while (begun < megabytes) {
      begun += ROWS / 1000;
      const at = await write(
        `INSERT INTO filler (body)
         WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < ${ROWS})
         SELECT zeroblob(1000) FROM c`,
      );
      index = Math.max(index, at);
      progress(begun);
    }
  };
  await Promise.all(Array.from({ length: WRITERS }, writer));
  for (const node of cluster.nodes) {
    await poll(`member ${node} to have it all`, STATEMENT_MS, async () => {
      const answer = await cluster.api(node).query({ sql: "SELECT 1" }, {
        consistency: "local",
        minIndex: index,
        timeoutMs: 10_000,
      });
      return answer.type === "ok";
    });
  }
}

/** Says every few seconds how far it is. */
export function reporter(
  what: string,
  total: number,
  print: (line: string) => void,
): (done: number) => void {
  let last = performance.now();
  return (done) => {
    if (performance.now() - last < 5_000) return;
    last = performance.now();
    print(`${what}: ${done} of ${total}`);
  };
}
