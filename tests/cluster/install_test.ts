import assert from "node:assert/strict";
import * as fs from "node:fs";
import { poll, TestCluster } from "./harness.ts";
import { LoopbackNetwork } from "./loopback.ts";
import type { MemberProcess } from "./member_process.ts";
import type { Node } from "./network.ts";
import { Victim } from "./damage.ts";

const PRELOAD = new URL("./signal_at.ts", import.meta.url);
const DOWN: Node = 3;
const WRITE_MS = 60_000;
/** Some of these fill a segment of the log. */
const FILLER = "x".repeat(1000);

/** Every step of taking over a snapshot, in order. */
const MOMENTS = [
  ...["chunk,1", "chunk,3", "received,0"],
  ...[1, 2, 3, 4, 5].map((step) => `before step,${step}`),
  ...["after step,5", "reset,1", "reset,2"],
];

/** Members run code that can send their process a signal at a certain moment. */
class SignallingNetwork extends LoopbackNetwork {
  override command(_node: Node, argv: readonly string[]): readonly string[] {
    const [deno, run, ...rest] = argv;
    return [deno!, run!, `--preload=${PRELOAD.pathname}`, ...rest];
  }
}

/** Three members, of which the third lacks so much that it needs a snapshot of several chunks. */
class Story implements AsyncDisposable {
  readonly cluster: TestCluster;
  #rows = 0;

  private constructor(cluster: TestCluster) {
    this.cluster = cluster;
  }

  static async begin(): Promise<Story> {
    const cluster = await TestCluster.start({
      network: new SignallingNetwork({ nodes: 3 }),
      // A short log, so that the database alone holds what is old.
      environment: { HQL_WAL_SIZE: "65536", HQL_LOGS_UNTIL_SNAPSHOT: "40" },
    });
    const story = new Story(cluster);
    await story.#write("CREATE TABLE t (n INTEGER PRIMARY KEY, body TEXT)");
    await cluster.killMember(DOWN);
    await story.#write(
      "CREATE TABLE big AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 6000) SELECT n, hex(zeroblob(512)) AS body FROM c",
    );
    return story;
  }

  /** Lets the others purge what the third member lacks, and starts it until it sends itself the signal at that moment. */
  async startAt(
    signal: Deno.Signal,
    moment: string,
  ): Promise<MemberProcess> {
    const { cluster } = this;
    await cluster.killMember(DOWN);
    // It may have caught up while it was stopping, with the members' own entries, too.
    const last = Math.max(...await this.#statusOfOthers("last_index"));
    await poll("the others to purge", 60_000, async () => {
      await Promise.all(
        Array.from(
          { length: 50 },
          () =>
            this.#write("INSERT INTO t VALUES (?, ?)", ++this.#rows, FILLER),
        ),
      );
      const first = await this.#statusOfOthers("first_index");
      return Math.min(...first) > last + 1;
    });
    cluster.setEnvironment(DOWN, { TEST_SIGNAL_AT: `${signal},${moment}` });
    const from = (await cluster.log(DOWN)).length;
    await cluster.startMember(DOWN);
    const process = cluster.process(DOWN)!;
    const line = `${signal} at ${moment.replace(",", " ")}\n`;
    await poll(
      line,
      60_000,
      async () => (await cluster.log(DOWN)).indexOf(line, from) >= 0,
    );
    return process;
  }

  /** All are ready with all rows, nothing is left of what was received, and nobody took the third one for another. */
  async assertWell(): Promise<void> {
    const { cluster } = this;
    await cluster.waitReady();
    assert.equal((await cluster.assertEqualContents()).t?.length, this.#rows);
    const state = new Victim(cluster.dataDir(DOWN)).path("state_machine");
    assert.deepEqual(fs.readdirSync(`${state}/incoming`), []);
    const folders = fs.readdirSync(state).filter((name) => /^db-/.test(name));
    assert.equal(folders.length, 1, `${folders}`);
    assert.doesNotMatch(await cluster.log(DOWN), /cannot rely on its memory/);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.cluster[Symbol.asyncDispose]();
  }

  async #write(sql: string, ...params: (string | number)[]): Promise<void> {
    const answer = await this.cluster.api(1).execute({ sql, params }, {
      timeoutMs: WRITE_MS,
    });
    assert.equal(answer.type, "ok", JSON.stringify(answer));
  }

  #statusOfOthers(key: "first_index" | "last_index"): Promise<number[]> {
    return Promise.all([1, 2].map(async (node) => {
      const answer = await this.cluster.api(node).cluster(20_000);
      assert.ok(answer.type === "ok", JSON.stringify(answer));
      return Number(answer.value[key]);
    }));
  }
}

/** Ends the third member at one moment after the other, then lets it go on. */
async function endedAt(
  t: Deno.TestContext,
  story: Story,
  moments: readonly string[],
  end: (moment: string) => Promise<void>,
): Promise<void> {
  for (const moment of moments) {
    await t.step(moment.replace(",", " "), () => end(moment));
  }
  story.cluster.setEnvironment(DOWN, {});
  await story.cluster.startMember(DOWN);
  await story.assertWell();
}

/** A leader that sends a snapshot, which the third member takes no more of until it is told to, ends in time. */
async function leaderEnds(story: Story): Promise<void> {
  const { cluster } = story;
  await story.startAt("SIGSTOP", "chunk,2");
  const leader = await cluster.waitLeader();
  const process = cluster.process(leader)!;
  assert.ok(await process.terminate(), "it had to be killed");
  assert.equal((await process.exited).code, 0);
  cluster.process(DOWN)!.resume();
  await cluster.waitReady([DOWN]);
  await cluster.startMember(leader);
  await story.assertWell();
}

Deno.test("members that end while a snapshot is received, installed or sent", async (t) => {
  await using story = await Story.begin();
  await t.step(
    "SIGKILL at each step of receiving and installing it: the member goes on as who it was",
    (t) =>
      endedAt(t, story, MOMENTS, async (moment) => {
        const { exited } = await story.startAt("SIGKILL", moment);
        assert.equal((await exited).signal, "SIGKILL");
      }),
  );
  await t.step(
    "SIGTERM while it is received or installed: exit 0 in time, and the next start goes on",
    (t) =>
      endedAt(
        t,
        story,
        ["chunk,2", "before step,3", "reset,1"],
        async (moment) => {
          const process = await story.startAt("SIGTERM", moment);
          // It has got the signal: it ends in the 15 s that it has, or is killed.
          const timer = setTimeout(() => void process.kill(), 20_000);
          const { code } = await process.exited;
          clearTimeout(timer);
          assert.equal(code, 0, await story.cluster.logTails(8));
        },
      ),
  );
  await t.step(
    "SIGTERM of a leader that sends it: exit 0 in time, and the next leader sends one",
    () => leaderEnds(story),
  );
});
