import type { HiqliteError } from "../errors.ts";
import type { ApiToken } from "../state/tokens/types.ts";
import type { Access } from "./access.ts";

/** So often tokens are looked at whose requests are under way, ms. */
const LOOK_MS = 1000;

interface Lasting {
  readonly token: ApiToken;
  end(why: HiqliteError): void;
}

/** Ends requests that last for long soon after the token that they came with is revoked or has expired. */
export class TokenEnds {
  readonly #whyEnded: (token: ApiToken) => HiqliteError | null;
  readonly #lasting = new Set<Lasting>();
  #timer: ReturnType<typeof setInterval> | undefined;

  /** Asks `whyEnded`, which knows a token that is good by null. */
  constructor(whyEnded: (token: ApiToken) => HiqliteError | null) {
    this.#whyEnded = whyEnded;
  }

  /** Calls `end` once the token has ended, until the returned function is called. With the API secret it never does. */
  watch({ token }: Access, end: (why: HiqliteError) => void): () => void {
    if (token === null) return () => {};
    const lasting: Lasting = { token, end };
    this.#lasting.add(lasting);
    this.#timer ??= setInterval(() => this.#look(), LOOK_MS);
    return () => {
      this.#lasting.delete(lasting);
      if (this.#lasting.size > 0) return;
      clearInterval(this.#timer);
      this.#timer = undefined;
    };
  }

  /** Runs `work` with a signal that aborts when the client is gone, or the token has ended. */
  async during<T>(
    access: Access,
    client: AbortSignal,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    if (access.token === null) return await work(client);
    const ended = new AbortController();
    const gone = (): void => ended.abort(client.reason);
    client.addEventListener("abort", gone);
    if (client.aborted) gone();
    const unwatch = this.watch(access, (why) => ended.abort(why));
    try {
      return await work(ended.signal);
    } finally {
      unwatch();
      client.removeEventListener("abort", gone);
    }
  }

  #look(): void {
    const looked = new Map<ApiToken, HiqliteError | null>();
    for (const { token, end } of [...this.#lasting]) {
      let why = looked.get(token);
      if (why === undefined) {
        why = this.#whyEnded(token);
        looked.set(token, why);
      }
      if (why !== null) end(why);
    }
  }
}
