import { LOCK_CHANGE } from "../../api/routes/lock.ts";
import { HiqliteError } from "../../errors.ts";
import type { LogIndex } from "../../raft/types.ts";
import type { LockFence } from "../../state/locks/types.ts";
import { pause } from "../../util/abort.ts";
import { startTimer } from "../../util/timers.ts";
import type { Transport } from "../transport.ts";
import type { ClientLease } from "./lease.ts";

/** After a member could not say whether it was claimed, ms. */
const RETRY_MS = 50;
/** How long somebody is asked to claim it first, ms. */
const CLAIM_TIMEOUT_MS = 10_000;
const PASSED_ON = "it was passed on to somebody else";

/** A grant to somebody who waited, as the member told of it. */
export interface Granted extends LockFence {
  readonly ticket: LogIndex;
  /** Until when it must be claimed, by the cluster clock, ms. */
  readonly claimByMs: number;
}

/**
 * A grant that is claimed while its owner has the lock already. Until the cluster says that it was, it can be believed in
 * for as long as certainly no entry has passed it on; after that it is lost, whatever the cluster says later.
 */
export class UnclaimedGrant {
  readonly #transport: Transport;
  readonly #lease: ClientLease;
  readonly #granted: Granted;
  readonly #untilMs: number;
  readonly #over = new AbortController();
  readonly #lost: (error: HiqliteError) => void;
  readonly #timer: ReturnType<typeof startTimer>;
  #state: "open" | "claimed" | "lost" = "open";

  /** Claims it; `lost` hears if it is lost before it is {@linkcode end}ed. */
  constructor(
    transport: Transport,
    lease: ClientLease,
    granted: Granted,
    lost: (error: HiqliteError) => void,
  ) {
    this.#transport = transport;
    this.#lease = lease;
    this.#granted = granted;
    this.#untilMs = lease.certainUntil(granted.claimByMs);
    this.#lost = lost;
    this.#timer = startTimer(() => void this.lives, this.#leftMs);
    void this.#claim();
  }

  /** Whether it is certainly the cluster's, as far as claiming goes. */
  get lives(): boolean {
    if (this.#state === "open" && performance.now() >= this.#untilMs) {
      this.#lose("nobody said in time that it was claimed");
    }
    return this.#state !== "lost";
  }

  /** Nobody wants it any more. */
  end(): void {
    this.#over.abort();
    clearTimeout(this.#timer);
  }

  get #leftMs(): number {
    return Math.max(1, Math.ceil(this.#untilMs - performance.now()));
  }

  async #claim(): Promise<void> {
    const { signal } = this.#over;
    while (this.lives && !signal.aborted) {
      try {
        return this.#told(
          await claim(
            this.#transport,
            this.#lease,
            this.#granted,
            this.#leftMs,
          ),
        );
      } catch {
        await pause(Math.min(RETRY_MS, this.#leftMs), signal);
      }
    }
  }

  #told(claimed: boolean): void {
    // An answer that came too late changes nothing.
    if (!this.lives || this.#over.signal.aborted) return;
    if (!claimed) return this.#lose(PASSED_ON);
    this.#state = "claimed";
    this.end();
  }

  #lose(why: string): void {
    this.#state = "lost";
    this.end();
    this.#lost(lostGrant(this.#granted, why));
  }
}

/** Claims a grant of which it cannot be said for how long it certainly is there. @throws {HiqliteError} `lock_lost`, or what keeps it from being claimed. */
export async function claimFirst(
  transport: Transport,
  lease: ClientLease,
  granted: Granted,
): Promise<void> {
  if (await claim(transport, lease, granted, CLAIM_TIMEOUT_MS)) return;
  throw lostGrant(granted, PASSED_ON);
}

/** Whether it was claimed. @throws {HiqliteError} if nobody can say. */
async function claim(
  transport: Transport,
  lease: ClientLease,
  { name, ticket }: Granted,
  timeoutMs: number,
): Promise<boolean> {
  const sentMs = performance.now();
  const { answer } = await transport.call(LOCK_CHANGE, {
    operation: { kind: "claim", name, ticket },
    timeoutMs,
  }, { timeoutMs });
  if (answer.kind !== "granted") return false;
  lease.renewed(sentMs);
  return true;
}

function lostGrant({ name }: Granted, why: string): HiqliteError {
  return new HiqliteError(
    "lock_lost",
    `The grant of the lock ${JSON.stringify(name)} is lost: ${why}`,
  );
}
