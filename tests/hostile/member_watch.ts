import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "../cluster/harness.ts";
import type { Node } from "../cluster/network.ts";
import { printed } from "../state/sqlite/children.ts";

const EVERY_MS = 500;

/** Looks at the members from outside: how much memory they have, and who leads in which term. */
export class MemberWatch {
  readonly #cluster: TestCluster;
  readonly #ended = new AbortController();
  readonly #watching: Promise<void>;
  readonly #mostMiB = new Map<Node, number>();
  readonly #leaders = new Set<string>();

  /** Begins. */
  constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#watching = this.#watch();
  }

  /** The most memory of each member since the last call, MiB. */
  takeMemory(): ReadonlyMap<Node, number> {
    this.#look();
    const most = new Map(this.#mostMiB);
    this.#mostMiB.clear();
    return most;
  }

  /** Leaders that were seen, each with its term. */
  get leaders(): readonly string[] {
    return [...this.#leaders];
  }

  /** Ends it. */
  async stop(): Promise<void> {
    this.#ended.abort();
    await this.#watching;
  }

  async #watch(): Promise<void> {
    const { signal } = this.#ended;
    while (!signal.aborted) {
      this.#look();
      await this.#ask();
      await sleep(EVERY_MS, undefined, { signal }).catch(() => {});
    }
  }

  #look(): void {
    for (const node of this.#cluster.nodes) {
      const process = this.#cluster.process(node);
      if (process === undefined) continue;
      const rss = Number(printed("ps", "-o", "rss=", "-p", `${process.pid}`));
      const most = this.#mostMiB.get(node) ?? 0;
      this.#mostMiB.set(node, Math.max(most, rss / 1024));
    }
  }

  /** A member that is busy answers late or not at all: then the next look tells. */
  async #ask(): Promise<void> {
    const [first] = this.#cluster.nodes;
    const answer = await this.#cluster.api(first!).cluster(2000);
    if (answer.type !== "ok") return;
    const { term, members } = answer.value;
    const leader = members.find(({ role }) => role === "leader");
    if (leader !== undefined) {
      this.#leaders.add(`member ${leader.node_id} in term ${term}`);
    }
  }
}
