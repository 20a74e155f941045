import type { Client } from "../../src/client/remote.ts";

/** A write that was answered. */
export interface PacedWrite {
  /** When it began, ms of `performance.now()`. */
  readonly from: number;
  /** How long it took, ms. */
  readonly ms: number;
}

const TICK_MS = 4;
/** Beyond this many under way no further one begins: the members do not keep up. */
const UNDER_WAY_MAX = 256;

/**
 * Single inserts that begin at a steady rate, whether those before are answered or not: who waits for
 * slow answers before the next write sees too few of them. Each in turn through the next client.
 */
export class PacedLoad implements AsyncDisposable {
  readonly #clients: readonly Client[];
  readonly #underWay = new Set<Promise<void>>();
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #begun = performance.now();
  #next = 0;
  /** Those that were due and did not begin. */
  #skipped = 0;
  /** In the order of the answers. */
  readonly answered: PacedWrite[] = [];
  /** What was answered to those that failed. */
  readonly failures: string[] = [];

  private constructor(clients: readonly Client[], perSecond: number) {
    this.#clients = clients;
    this.#timer = setInterval(() => {
      const elapsed = performance.now() - this.#begun;
      const due = Math.floor(elapsed * perSecond / 1000);
      while (this.#next + this.#skipped < due) this.#write();
    }, TICK_MS);
  }

  /** Makes the table and begins. */
  static async start(
    clients: readonly Client[],
    perSecond: number,
  ): Promise<PacedLoad> {
    await clients[0]!.execute(
      "CREATE TABLE paced (n INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT",
    );
    return new PacedLoad(clients, perSecond);
  }

  /** Begins no more, and waits for what is under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#underWay);
  }

  /** See {@linkcode stop}. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  /** @throws {Error} unless exactly what was answered is there. */
  async verify(): Promise<void> {
    const [row] = await this.#clients[0]!.queryConsistent<{ n: number }>(
      "SELECT count(*) AS n FROM paced",
    );
    const unsure = this.failures.length;
    const there = row!.n - this.answered.length;
    if (there >= 0 && there <= unsure) return;
    throw new Error(
      `${this.answered.length} writes were answered, ${unsure} failed, and ${
        row!.n
      } are there`,
    );
  }

  #write(): void {
    if (this.#underWay.size >= UNDER_WAY_MAX) {
      this.#skipped++;
      return;
    }
    const n = this.#next++;
    const client = this.#clients[n % this.#clients.length]!;
    const from = performance.now();
    const written = client.execute("INSERT INTO paced VALUES (?, ?)", [
      n,
      `number ${n}`,
    ]).then(
      () => {
        this.answered.push({ from, ms: performance.now() - from });
      },
      (error) => {
        this.failures.push((error as Error).message);
      },
    ).finally(() => this.#underWay.delete(written));
    this.#underWay.add(written);
  }
}
