import { createHash, timingSafeEqual } from "node:crypto";
import { TOKEN_TEXT } from "../api/token_text.ts";
import { CACHE_STATS } from "../api/routes/cache.ts";
import { HiqliteError } from "../errors.ts";
import { networkOf } from "../util/network_of.ts";
import type { FailedLogins } from "../server/failed_logins.ts";
import type { Upstream } from "./upstreams.ts";

/** Who may use a proxy. */
export interface CredentialsOptions {
  /** Every API secret that members accept. */
  readonly secrets: readonly string[];
  /** Members, the one that should be asked first first. */
  readonly members: () => readonly Pick<Upstream, "url">[];
  readonly fetch: typeof fetch;
  readonly failed: FailedLogins;
  /** How long a member may take to say what it thinks of a token, ms. @default {3_000} */
  readonly askMs?: number;
  /** Milliseconds that never go back. */
  readonly now: () => number;
}

/** A token that a member knew is taken for known by the proxy for so long, ms; members look each time. */
const KNOWN_MS = 30_000;
/** So many are remembered: as many as a cluster can have. */
const KNOWN_MAX = 1_000;
/** Tokens that members are being asked about; more wait for none. */
const ASKING_MAX = 16;
/** Of them, shown by one address: who makes up tokens keeps nobody else's from being asked about. */
const ASKING_MAX_OF_ONE = 4;

/**
 * Keeps strangers' requests from the members, and their bodies out of the
 * proxy's memory. Secrets are judged here. Tokens are state of the members, so
 * a member is asked about one that is new; whatever is let in they judge again.
 */
export class Credentials {
  readonly #options: CredentialsOptions;
  readonly #secrets: readonly Uint8Array[];
  /** Digests of tokens, in the order in which members were asked, and until when they are taken for known. */
  readonly #known = new Map<string, number>();
  readonly #asking = new Map<string, Promise<boolean>>();
  /** Of how many of them each network is waited for; see {@linkcode networkOf}. */
  readonly #askingFor = new Map<string, number>();

  /** Of one proxy. */
  constructor(options: CredentialsOptions) {
    this.#options = options;
    this.#secrets = options.secrets.map(digestOf);
  }

  /**
   * Lets a request with these headers in, which comes from `address`.
   * @throws {HiqliteError} `unauthorized`, after a while if something wrong was sent; `overloaded` if many such requests wait.
   */
  async check(headers: Headers, address: string): Promise<void> {
    const { failed } = this.#options;
    const given = headers.get("x-api-secret") ??
      /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (given === undefined) {
      failed.note("missing");
      throw new HiqliteError(
        "unauthorized",
        "The API secret or a token is missing; send it in the header X-API-SECRET, or as Authorization: Bearer",
      );
    }
    const digest = digestOf(given);
    let known = false;
    for (const secret of this.#secrets) {
      if (timingSafeEqual(digest, secret)) known = true;
    }
    if (known) return;
    const isToken = TOKEN_TEXT.test(given);
    if (
      isToken && await this.#isKnown(digest.toString("hex"), given, address)
    ) return;
    failed.note(isToken ? "unknown token" : "wrong secret");
    // The member that refused a token has waited already.
    if (!isToken) await failed.slow();
    throw new HiqliteError(
      "unauthorized",
      "The API secret or the token is wrong, or has been revoked or expired",
    );
  }

  async #isKnown(
    digest: string,
    token: string,
    address: string,
  ): Promise<boolean> {
    const now = this.#options.now();
    if ((this.#known.get(digest) ?? 0) > now) return true;
    let asking = this.#asking.get(digest);
    if (asking === undefined) {
      const network = networkOf(address);
      this.#take(network);
      asking = this.#ask(token).finally(() => {
        this.#asking.delete(digest);
        this.#release(network);
      });
      this.#asking.set(digest, asking);
    }
    if (!await asking) return false;
    this.#remember(digest, now + KNOWN_MS);
    return true;
  }

  /** @throws {HiqliteError} `overloaded` if members are asked about too many tokens, of all or of this address. */
  #take(network: string): void {
    const own = this.#askingFor.get(network) ?? 0;
    const problem = own >= ASKING_MAX_OF_ONE
      ? `${ASKING_MAX_OF_ONE} new tokens that your address showed already, the most of one`
      : this.#asking.size >= ASKING_MAX
      ? `${ASKING_MAX} new tokens already, the most there may be`
      : null;
    if (problem !== null) {
      throw new HiqliteError(
        "overloaded",
        `Members are asked about ${problem}: try again`,
      );
    }
    this.#askingFor.set(network, own + 1);
  }

  #release(network: string): void {
    const left = this.#askingFor.get(network)! - 1;
    if (left === 0) this.#askingFor.delete(network);
    else this.#askingFor.set(network, left);
  }

  /** Whether no member refuses a token. One that cannot say is no reason to refuse: they judge each request. */
  async #ask(token: string): Promise<boolean> {
    const { members, fetch, askMs = 3_000 } = this.#options;
    for (const { url } of members()) {
      try {
        const response = await fetch(`${url}${CACHE_STATS.path}`, {
          headers: { "x-api-secret": token },
          redirect: "error",
          signal: AbortSignal.timeout(askMs),
        });
        await response.body?.cancel();
        if (response.status !== 503) return response.status !== 401;
      } catch {
        // The next one may answer.
      }
    }
    return true;
  }

  #remember(digest: string, untilMs: number): void {
    this.#known.delete(digest);
    this.#known.set(digest, untilMs);
    if (this.#known.size <= KNOWN_MAX) return;
    this.#known.delete(this.#known.keys().next().value!);
  }
}

function digestOf(text: string): Buffer {
  return createHash("sha256").update(text, "utf8").digest();
}
