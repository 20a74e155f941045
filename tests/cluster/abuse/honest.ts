import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";

/** Between two writes, ms. */
const PAUSE_MS = 20;
/** An honest client waits so long for an answer, ms. */
const ANSWER_MS = 120_000;

/** A client that inserts one row after another into `honest`, through all members in turn. */
export class Honest {
  readonly #cluster: TestCluster;
  readonly #ended: Promise<void>;
  #stopped = false;
  #acknowledged = 0;
  #slowestMs = 0;
  #underWay: Promise<void> = Promise.resolve();
  readonly #errors: string[] = [];

  private constructor(cluster: TestCluster) {
    this.#cluster = cluster;
    this.#ended = this.#write();
  }

  /** Creates its table and begins. */
  static async start(cluster: TestCluster): Promise<Honest> {
    await cluster.write(1, "CREATE TABLE honest (n INTEGER PRIMARY KEY)");
    return new Honest(cluster);
  }

  /** The longest that a write took since the last call, ms; the one that is under way included. */
  async takeSlowest(): Promise<number> {
    await this.#underWay;
    const slowest = this.#slowestMs;
    this.#slowestMs = 0;
    return slowest;
  }

  /** Ends it; all its writes were acknowledged, each is there once. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#ended;
    assert.deepEqual(this.#errors, []);
  }

  /** Every row that was acknowledged is there. */
  assertIn(rows: readonly unknown[]): void {
    assert.equal(rows.length, this.#acknowledged);
  }

  async #write(): Promise<void> {
    const { nodes } = this.#cluster;
    for (let n = 0; !this.#stopped; n++) {
      const node: Node = nodes[n % nodes.length]!;
      const { promise, resolve } = Promise.withResolvers<void>();
      this.#underWay = promise;
      const begun = performance.now();
      const answer = await this.#cluster.api(node).execute(
        { sql: "INSERT INTO honest (n) VALUES (?)", params: [n] },
        { timeoutMs: ANSWER_MS, idempotencyKey: `honest-${n}` },
      );
      this.#slowestMs = Math.max(this.#slowestMs, performance.now() - begun);
      resolve();
      if (answer.type === "ok") this.#acknowledged++;
      else this.#errors.push(`${n}: ${answer.error}`);
      await sleep(PAUSE_MS);
    }
  }
}
