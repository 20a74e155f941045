import { LongTexts } from "./long_texts.ts";
import type { ReadAnswer } from "./query_codec.ts";
import { ClientTurns, type WaitingQuery } from "./client_turns.ts";

/** A query that waits for a reader, or runs on one. */
export interface Job<R, W> extends WaitingQuery {
  /** What the reader is asked. */
  readonly work: W;
  /** The query's text. */
  readonly text: string;
  /** What it may take, waiting included; null: as long as it takes. */
  readonly timeoutMs: number | null;
  /** When that is over, by `performance.now()`. */
  readonly deadline: number;
  /** Settle the caller's promise; idempotent. */
  readonly resolve: (result: ReadAnswer) => void;
  readonly reject: (error: unknown) => void;
  /** What runs it; null while it waits. */
  reader: R | null;
  /** Since when, by `performance.now()`. */
  begunAt: number;
  /** Its time is over and its caller knows. */
  late: boolean;
  /** It takes longer than a slice, or did the last time. */
  long: boolean;
  /** Its reader is being taken from it: it begins again when it is its turn. */
  putBack: boolean;
}

/** How readers are shared between queries that take long and others. */
export interface ShareLimits {
  /** What runs for longer is a long one, ms. */
  readonly sliceMs: number;
  /** While others wait, long ones have so many readers at most. */
  readonly longMax: number;
  /** Readers in all. */
  readonly readers: number;
}

/** Nothing is long: queries wait in order. */
export const NO_SHARES: ShareLimits = {
  sliceMs: Infinity,
  longMax: Infinity,
  readers: Infinity,
};

/** Whoever waits for so long without a turn may have gone away; see {@linkcode ClientTurns}. In ms. */
const PATIENCE_MS = 500;

/** Whose turn it is, and who must give way. */
export class Shares<R, W> {
  readonly #limits: ShareLimits;
  readonly #queueMax: number;
  readonly #quick: ClientTurns<Job<R, W>>;
  readonly #long = new ClientTurns<Job<R, W>>(Infinity);
  /** In the order in which they began. */
  readonly #running = new Set<Job<R, W>>();
  readonly #texts = new LongTexts();

  /** Lets `queueMax` wait of each kind. */
  constructor(limits: ShareLimits, queueMax: number) {
    this.#limits = limits;
    this.#queueMax = queueMax;
    const shared = limits.sliceMs < Infinity;
    this.#quick = new ClientTurns(shared ? PATIENCE_MS : Infinity);
  }

  /** How many would run now if there were readers for them. */
  get wanting(): number {
    if (this.#long.length === 0) return this.#quick.length;
    const free = Math.max(0, this.#limits.longMax - this.#longRunning.length);
    return this.#quick.length + Math.min(this.#long.length, free);
  }

  /** All that wait. */
  get waiting(): Job<R, W>[] {
    return [...this.#quick, ...this.#long];
  }

  /** Lets it wait; answers whom there is no room for: it, or the newest of a client that has more waiting. */
  add(job: Job<R, W>): Job<R, W> | null {
    job.long = this.#texts.has(job.client, job.text);
    const turns = this.#turnsOf(job);
    let refused: Job<R, W> | null = null;
    if (turns.length >= this.#queueMax) {
      refused = turns.newestOfCrowd(job.client) ?? job;
      if (refused === job) return refused;
      turns.remove(refused);
    }
    turns.add(job);
    return refused;
  }

  /** It waits no longer. */
  remove(job: Job<R, W>): void {
    this.#turnsOf(job).remove(job);
  }

  /** Takes away all that wait. */
  drain(): Job<R, W>[] {
    return [...this.#quick.drain(), ...this.#long.drain()];
  }

  /** Takes the one whose turn it is. */
  next(): Job<R, W> | undefined {
    const idle = (client: string): boolean => !this.#runs(client);
    const long = this.#long.length > 0 &&
        this.#longRunning.length < this.#limits.longMax
      ? this.#long.take(idle)
      : undefined;
    return long ?? this.#quick.take(idle);
  }

  /** It runs from now on. */
  began(job: Job<R, W>): void {
    job.begunAt = performance.now();
    this.#running.add(job);
  }

  /** It has had a slice: it is a long one, and so are those of its client with the same text. */
  overran(job: Job<R, W>): void {
    const { client, text } = job;
    job.long = true;
    this.#texts.add(client, text);
    for (const each of this.#quick.takeAll((o) => o.text === text, client)) {
      each.long = true;
      this.#long.add(each);
    }
  }

  /** It runs no longer; `well` if it was answered. */
  ended(job: Job<R, W>, well: boolean): void {
    this.#running.delete(job);
    const ranMs = performance.now() - job.begunAt;
    if (job.long && well && ranMs < this.#limits.sliceMs) {
      this.#texts.delete(job.client, job.text);
    }
  }

  /** It will begin again. */
  putBack(job: Job<R, W>): void {
    this.#turnsOf(job).putBack(job);
  }

  /** The long ones whose readers others wait for: those that began last. */
  excess(): readonly Job<R, W>[] {
    const { longMax, readers } = this.#limits;
    const long = this.#longRunning;
    const over = long.length - longMax;
    if (over < 0) return [];
    const ending = [...this.#running].filter(isEnding).length;
    const coming = readers - this.#running.size + ending;
    const count = Math.min(over, this.#quick.length - coming);
    if (count > 0) return long.slice(-count);
    const unfair = ending > 0 ? undefined : this.#unfair(long);
    return unfair === undefined ? [] : [unfair];
  }

  /** The youngest of a client that has several, while one waits that has none. */
  #unfair(long: readonly Job<R, W>[]): Job<R, W> | undefined {
    const has = (client: string): number =>
      long.filter((job) => job.client === client).length;
    const left = [...this.#long.clients()].some((client) => has(client) === 0);
    return left ? long.findLast(({ client }) => has(client) > 1) : undefined;
  }

  get #longRunning(): readonly Job<R, W>[] {
    return [...this.#running].filter((job) => job.long && !isEnding(job));
  }

  #runs(client: string): boolean {
    for (const job of this.#running) if (job.client === client) return true;
    return false;
  }

  #turnsOf(job: Job<R, W>): ClientTurns<Job<R, W>> {
    return job.long ? this.#long : this.#quick;
  }
}

function isEnding({ late, putBack }: Job<unknown, unknown>): boolean {
  return late || putBack;
}
