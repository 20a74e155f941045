/** What waits for its turn. */
export interface WaitingQuery {
  /** Who asks. */
  readonly client: string;
  /** Since when it waits, by `performance.now()`. */
  readonly since: number;
}

/**
 * What waits, by client: clients take turns, so one that asks for much waits
 * for itself. Of one client the oldest is first, until it has lost patience:
 * from then on every other turn is the newest's, who may still be waited for.
 */
export class ClientTurns<J extends WaitingQuery> {
  readonly #patienceMs: number;
  /** The client whose turn comes next is the first one. */
  readonly #waiting = new Map<string, J[]>();
  #length = 0;
  #newest = false;

  /** Begins with nobody; the oldest is patient for `patienceMs`. */
  constructor(patienceMs: number) {
    this.#patienceMs = patienceMs;
  }

  /** How many wait. */
  get length(): number {
    return this.#length;
  }

  /** The clients that have something waiting. */
  clients(): Iterable<string> {
    return this.#waiting.keys();
  }

  /** Lets it wait behind what its client asked before. */
  add(job: J): void {
    this.#of(job.client).push(job);
    this.#length++;
  }

  /** Lets it wait before everything else of its client: it had its turn. */
  putBack(job: J): void {
    this.#of(job.client).unshift(job);
    this.#length++;
  }

  /** Takes what is next: of the first client that is preferred, else of the first. */
  take(preferred: (client: string) => boolean): J | undefined {
    if (this.#length === 0) return undefined;
    const all = this.#waiting.keys();
    const client = all.find(preferred) ?? this.#waiting.keys().next().value!;
    const jobs = this.#waiting.get(client)!;
    const job = this.#choose(jobs);
    this.#length--;
    this.#waiting.delete(client);
    if (jobs.length > 0) this.#waiting.set(client, jobs);
    return job;
  }

  /** Takes away what waits no longer. */
  remove(job: J): void {
    this.takeAll((other) => other === job, job.client);
  }

  /** Takes away all of a client for which `which` is true. */
  takeAll(which: (job: J) => boolean, client: string): J[] {
    const jobs = this.#waiting.get(client) ?? [];
    const taken = jobs.filter(which);
    if (taken.length === 0) return taken;
    this.#length -= taken.length;
    const left = jobs.filter((job) => !which(job));
    if (left.length > 0) this.#waiting.set(client, left);
    else this.#waiting.delete(client);
    return taken;
  }

  /** Takes away everything. */
  drain(): J[] {
    const all = [...this.#waiting.values()].flat();
    this.#waiting.clear();
    this.#length = 0;
    return all;
  }

  /** All of them, whoever asked. */
  *[Symbol.iterator](): Iterator<J> {
    for (const jobs of this.#waiting.values()) yield* jobs;
  }

  /** The newest of the client that has the most waiting, if that is more than `client` has. */
  newestOfCrowd(client: string): J | undefined {
    let most = this.#waiting.get(client) ?? [];
    for (const jobs of this.#waiting.values()) {
      if (jobs.length > most.length) most = jobs;
    }
    const newest = most.at(-1);
    return newest?.client === client ? undefined : newest;
  }

  #of(client: string): J[] {
    let jobs = this.#waiting.get(client);
    if (jobs === undefined) this.#waiting.set(client, jobs = []);
    return jobs;
  }

  #choose(jobs: J[]): J {
    const waitedMs = performance.now() - jobs[0]!.since;
    if (waitedMs <= this.#patienceMs) return jobs.shift()!;
    this.#newest = !this.#newest;
    return this.#newest ? jobs.pop()! : jobs.shift()!;
  }
}
