import { setTimeout as sleep } from "node:timers/promises";
import type { TestCluster } from "./harness.ts";
import type { Node } from "./network.ts";

/** Options of {@linkcode SteadyLoad.start}. */
export interface SteadyLoadOptions {
  readonly cluster: TestCluster;
  /** Each has one write under way at most. */
  readonly clients: number;
  /** Pause of a client between two writes, ms. */
  readonly pauseMs: number;
  /** Attempts at a write before it counts as failed, each at another member. */
  readonly attempts: number;
}

/** A write that was acknowledged. */
export interface Acknowledged {
  /** When the answer came, ms of `performance.now()`. */
  readonly at: number;
  /** How long it took, repetitions included, ms. */
  readonly ms: number;
}

const CALL_MS = 15_000;
const PAGE_ROWS = 50_000;

/** Clients that insert numbered rows without a break, each through one member as long as that one runs. */
export class SteadyLoad {
  readonly #options: SteadyLoadOptions;
  readonly #stop = new AbortController();
  readonly #avoided = new Set<Node>();
  readonly #running: Promise<unknown>;
  /** In the order of the answers. */
  readonly acknowledged: Acknowledged[] = [];
  /** Writes that no attempt got through, with the last answer. */
  readonly failures: string[] = [];
  /** Writes that needed more than one attempt, with the first answer. */
  readonly repeated: string[] = [];
  readonly #written: string[] = [];

  private constructor(options: SteadyLoadOptions) {
    this.#options = options;
    this.#running = Promise.all(
      Array.from({ length: options.clients }, (_, i) => this.#client(i)),
    );
  }

  /** Makes the table and starts the clients. */
  static async start(options: SteadyLoadOptions): Promise<SteadyLoad> {
    const sql =
      "CREATE TABLE IF NOT EXISTS steady (client INTEGER NOT NULL, n INTEGER NOT NULL) STRICT";
    const made = await options.cluster.api(1).execute({ sql }, {
      timeoutMs: CALL_MS,
    });
    if (made.type !== "ok") throw new Error(made.error);
    return new SteadyLoad(options);
  }

  /** From now on nobody begins a write at this member. */
  avoid(node: Node): void {
    this.#avoided.add(node);
  }

  /** The member may be used again. */
  use(node: Node): void {
    this.#avoided.delete(node);
  }

  /** Lets every client finish its write. */
  async stop(): Promise<void> {
    this.#stop.abort();
    await this.#running;
  }

  /** The longest time without an answer between `from` and `to` (ms of `performance.now()`), ms. */
  longestGap(from: number, to: number): number {
    let last = from;
    let longest = 0;
    for (const { at } of this.acknowledged) {
      if (at < from || at > to) continue;
      longest = Math.max(longest, at - last);
      last = at;
    }
    return Math.max(longest, to - last);
  }

  /**
   * Compares what was acknowledged with what is in the table, when nobody writes any more.
   * @throws {Error} if a write is lost or there twice.
   */
  async verify(): Promise<void> {
    const rows = await this.#rows();
    const there = new Set(rows);
    if (there.size !== rows.length) {
      throw new Error(`${rows.length - there.size} writes were applied twice`);
    }
    const lost = this.#written.filter((row) => !there.has(row));
    if (lost.length > 0) {
      throw new Error(`lost after the answer: ${lost.slice(0, 10).join(" ")}`);
    }
  }

  /** Everything in the table, in pages below the limit of an answer. */
  async #rows(): Promise<string[]> {
    const sql =
      "SELECT rowid, client || ':' || n FROM steady WHERE rowid > ? ORDER BY rowid LIMIT ?";
    const rows: string[] = [];
    for (let last = 0;;) {
      const answer = await this.#options.cluster.api(1).query(
        { sql, params: [last, PAGE_ROWS] },
        { consistency: "linearizable", timeoutMs: CALL_MS },
      );
      if (answer.type !== "ok") throw new Error(answer.error);
      for (const [, row] of answer.value.rows) rows.push(String(row));
      if (answer.value.rows.length < PAGE_ROWS) return rows;
      last = Number(answer.value.rows.at(-1)![0]);
    }
  }

  async #client(client: number): Promise<void> {
    const { signal } = this.#stop;
    for (let n = 0; !signal.aborted; n++) {
      await this.#write(client, n);
      await sleep(this.#options.pauseMs, undefined, { signal })
        .catch(() => {});
    }
  }

  async #write(client: number, n: number): Promise<void> {
    const begin = performance.now();
    const idempotencyKey = crypto.randomUUID();
    let node = this.#member(client);
    for (let attempt = 1;; attempt++) {
      const answer = await this.#options.cluster.api(node).execute({
        sql: "INSERT INTO steady VALUES (?, ?)",
        params: [client, n],
      }, { timeoutMs: CALL_MS, idempotencyKey });
      if (answer.type === "ok") {
        const at = performance.now();
        this.acknowledged.push({ at, ms: at - begin });
        this.#written.push(`${client}:${n}`);
        return;
      }
      const problem = `member ${node}: ${answer.error}`;
      if (attempt === 1) this.repeated.push(problem);
      if (attempt === this.#options.attempts) {
        this.failures.push(problem);
        return;
      }
      node = this.#member(node);
    }
  }

  /** The first one after `before` in the circle that may be used. */
  #member(before: number): Node {
    const { nodes } = this.#options.cluster;
    const circle = nodes.map((_, i) => nodes[(before + i) % nodes.length]!);
    return circle.find((node) => !this.#avoided.has(node))!;
  }
}
