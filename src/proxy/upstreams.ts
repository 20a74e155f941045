import type { JsonCluster } from "../api/cluster_status.ts";
import type { Logger } from "../util/logger.ts";
import { pause } from "../util/abort.ts";

/** How members are looked at. */
export interface UpstreamsOptions {
  /** API addresses of the members, `http://host:port`. */
  readonly urls: readonly string[];
  readonly secret: string;
  readonly fetch: typeof fetch;
  readonly logger: Logger;
  /** How often, ms. @default {500} */
  readonly everyMs?: number;
  /** A member that does not answer for so long is silent, ms. @default {1_500} */
  readonly silentMs?: number;
}

/** A member as the proxy sees it. */
export interface Upstream {
  readonly url: string;
  /** `ready`: fit for traffic. `up`: answers, and is not. `down`: does not answer. */
  readonly state: "ready" | "up" | "down";
  /** Aborts when the member has become silent: what is under way there is lost. */
  readonly silent: AbortSignal;
}

interface WatchedMember {
  readonly url: string;
  state: Upstream["state"];
  silent: AbortController;
}

/** Which members can be asked, and which of them leads. They are looked at all the time, so that no request has to find out. */
export class Upstreams {
  readonly #options: UpstreamsOptions;
  readonly #members: readonly WatchedMember[];
  readonly #closing = new AbortController();
  readonly #watching: Promise<unknown>;
  #leader: string | null = null;
  #turn = 0;

  /** Begins to look at them. */
  constructor(options: UpstreamsOptions) {
    this.#options = options;
    this.#members = options.urls.map((url) => ({
      url,
      // Until it was looked at it may be tried.
      state: "up",
      silent: new AbortController(),
    }));
    this.#watching = Promise.all([
      ...this.#members.map((member) => this.#watch(member)),
      this.#watchLeader(),
    ]);
  }

  /** All members. */
  get all(): readonly Upstream[] {
    return this.#members.map(seen);
  }

  /** Whether one of them is fit for traffic. */
  get ready(): boolean {
    return this.#members.some(({ state }) => state === "ready");
  }

  /** Members in the order in which they should be asked: for writes the leader first, for reads one after the other. */
  order(reads: boolean): Upstream[] {
    const count = this.#members.length;
    const turn = this.#turn = (this.#turn + 1) % count;
    const rank = ({ url, state }: WatchedMember): number =>
      state === "down"
        ? 3
        : state === "up"
        ? 2
        : !reads && new URL(url).host === this.#leader
        ? 0
        : 1;
    return this.#members
      .map((_, at) => this.#members[(at + turn) % count]!)
      .sort((one, other) => rank(one) - rank(other))
      .map(seen);
  }

  /** Looks no more. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#watching;
  }

  async #watch(member: WatchedMember): Promise<void> {
    const { signal } = this.#closing;
    while (!signal.aborted) {
      const answer = await this.#ask(member.url, "/ready");
      if (signal.aborted) return;
      this.#now(member, stateOf(answer));
      await pause(this.#options.everyMs ?? 500, signal);
    }
  }

  #now(member: WatchedMember, state: Upstream["state"]): void {
    if (member.state === state) return;
    this.#options.logger.info(`member is ${state}`, { url: member.url });
    member.state = state;
    if (state !== "down") return;
    member.silent.abort(new Error(`${member.url} does not answer`));
    member.silent = new AbortController();
  }

  /** Asks members in turn who leads. */
  async #watchLeader(): Promise<void> {
    const { signal } = this.#closing;
    for (let at = 0; !signal.aborted; at++) {
      const { url } = this.#members[at % this.#members.length]!;
      const answer = await this.#ask(url, "/api/v1/cluster");
      if (answer?.ok) this.#leader = leaderOf(answer.text) ?? this.#leader;
      await pause(this.#options.everyMs ?? 500, signal);
    }
  }

  async #ask(
    url: string,
    path: string,
  ): Promise<{ readonly ok: boolean; readonly text: string } | null> {
    const { secret, fetch, silentMs = 1_500 } = this.#options;
    const late = AbortSignal.timeout(silentMs);
    try {
      const response = await fetch(`${url}${path}`, {
        headers: { "x-api-secret": secret },
        redirect: "error",
        signal: AbortSignal.any([late, this.#closing.signal]),
      });
      return { ok: response.ok, text: await response.text() };
    } catch {
      return null;
    }
  }
}

function seen({ url, state, silent }: WatchedMember): Upstream {
  return { url, state, silent: silent.signal };
}

function stateOf(answer: { readonly ok: boolean } | null): Upstream["state"] {
  return answer === null ? "down" : answer.ok ? "ready" : "up";
}

/** The API address of the leader, `host:port`, in a cluster's status; null if none is named, as by what is no member at all. */
function leaderOf(text: string): string | null {
  try {
    const { leader, members } = JSON.parse(text) as JsonCluster;
    return members.find(({ id }) => id === leader)?.api_address ?? null;
  } catch {
    return null;
  }
}
