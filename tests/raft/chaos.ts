import assert from "node:assert/strict";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import type { MemberId } from "../../src/raft/types.ts";
import { Cluster, type ClusterOptions } from "./harness/cluster.ts";
import { ofType } from "./make.ts";

/** A cluster under random weather, and what its clients were told. */
export class Chaos {
  readonly cluster: Cluster;
  readonly random: SeededRandom;
  /** Proposals that a leader applied: acknowledged to the client. */
  readonly acknowledged: Set<string> = new Set();
  /** Chance in percent that a message is lost, or delivered twice. */
  loss = 5;
  #proposals = 0;
  readonly #waiting: Map<string, MemberId> = new Map();

  constructor(seed: number, options: ClusterOptions) {
    this.random = new SeededRandom(seed);
    this.cluster = new Cluster({ ...options, seed });
  }

  chance(percent: number): boolean {
    return randomBetween(this.random, 0, 100) < percent;
  }

  pick<T>(items: readonly T[]): T {
    return items[randomBetween(this.random, 0, items.length)]!;
  }

  /** Lets `count` random things happen, and `also` before each of them. */
  run(count: number, also: () => void = () => {}): this {
    for (let i = 0; i < count; i++) {
      also();
      this.#something();
    }
    return this;
  }

  #something(): void {
    const { cluster } = this;
    const up = [...cluster.nodes.values()].filter((node) => node.up);
    if (cluster.wire.length > 0 && this.chance(80)) {
      // Mostly in order, as links are.
      const message = this.chance(80)
        ? cluster.wire[0]!
        : this.pick(cluster.wire);
      if (this.chance(this.loss)) {
        cluster.wire.splice(cluster.wire.indexOf(message), 1);
        return;
      }
      if (this.chance(this.loss)) cluster.wire.push({ ...message });
      cluster.deliver(message);
    } else if (this.chance(50) && up.length > 0) {
      cluster.step(this.pick(up).id, { kind: "tick" });
    } else this.propose();
    for (const node of up) {
      if (cluster.slowDisks.has(node.id) && this.chance(30)) {
        cluster.flush(node.id, 1);
      }
    }
    this.#listen();
  }

  /** Proposes where somebody believes to lead. */
  propose(): void {
    for (const node of this.cluster.nodes.values()) {
      if (!node.up || node.core.role !== "leader") continue;
      const text = `${++this.#proposals}`;
      if (this.cluster.propose(node.id, text).kind === "appended") {
        this.#waiting.set(text, node.id);
      }
    }
    this.#listen();
  }

  #listen(): void {
    for (const [text, id] of this.#waiting) {
      if (!this.cluster.node(id).state.includes(text)) continue;
      this.acknowledged.add(text);
      this.#waiting.delete(text);
    }
  }

  /** Everything works again: all members converge, and nothing acknowledged is missing. */
  finish(): void {
    const { cluster } = this;
    cluster.heal();
    cluster.autoSnapshots = true;
    for (const node of cluster.nodes.values()) {
      if (!node.up) cluster.restart(node.id);
      cluster.slowDisks.delete(node.id);
      cluster.flush(node.id);
    }
    cluster.settle();
    for (let i = 0; i < 20 && !this.#isCalm(); i++) cluster.tick(20);
    const leader = cluster.awaitLeader();
    cluster.write(leader, "last").tick(5);
    const { config } = cluster.core(leader);
    const { state } = cluster.node(leader);
    assert.equal(state.at(-1), "last", "the cluster works");
    assert.equal(new Set(state).size, state.length, "applied once");
    for (const text of this.acknowledged) {
      assert.ok(state.includes(text), `acknowledged ${text} is lost`);
    }
    for (const id of [...config.voters, ...config.learners]) {
      assert.deepEqual(cluster.node(id).state, state, `${id} applied the same`);
    }
    cluster.checkLogMatching();
    const senders = new Map<number, MemberId>();
    for (const { term, from } of ofType(cluster.sent, "appendEntries")) {
      assert.equal(senders.get(term) ?? from, from, `two leaders in ${term}`);
      senders.set(term, from);
    }
  }

  #isCalm(): boolean {
    const leader = this.cluster.leader();
    if (leader === null) return false;
    const { config, commit, lastIndex } = this.cluster.core(leader);
    return config.votersOutgoing.length === 0 && commit === lastIndex &&
      this.cluster.node(leader).status.transferee === null;
  }
}
