import { LOCK_CHANGE } from "../../api/routes/lock.ts";
import { HiqliteError } from "../../errors.ts";
import type { LockFence } from "../../state/locks/types.ts";
import type { Transport } from "../transport.ts";
import type { ClientLease } from "./lease.ts";
import { type Granted, UnclaimedGrant } from "./unclaimed_grant.ts";

/** A lock that a client got. Given as `fence` with a write, the write happens only if it is held still. */
export class Lock implements LockFence, AsyncDisposable {
  /** What it is called. */
  readonly name: string;
  /** Grows with every grant of the cluster, for ever: what saw a larger one must refuse this. */
  readonly token: number;
  readonly #transport: Transport;
  readonly #lease: ClientLease;
  readonly #controller = new AbortController();
  readonly #unuse: () => void;
  readonly #unclaimed: UnclaimedGrant | null;
  #released: Promise<boolean> | null = null;

  /** Of `lease`, which is renewed until it is released; a grant that is not claimed yet is claimed meanwhile. */
  constructor(
    transport: Transport,
    lease: ClientLease,
    fence: LockFence | Granted,
  ) {
    this.name = fence.name;
    this.token = fence.token;
    this.#transport = transport;
    this.#lease = lease;
    this.#unuse = lease.use((error) => this.#lose(error));
    this.#unclaimed = "ticket" in fence
      ? new UnclaimedGrant(transport, lease, fence, (error) => {
        this.#lose(error);
        // A claim on its way may still be applied, and the lease is renewed for other locks.
        void lease.owe(() => giveBack(transport, this));
      })
      : null;
  }

  /** Aborts when the lock is lost or may be soon: before anybody else can get it, as long as this process runs. Not by a release. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether it is certainly held at this moment. */
  get held(): boolean {
    return this.#released === null && this.#lease.lives &&
      (this.#unclaimed?.lives ?? true);
  }

  /**
   * Looks whether it is held, without asking anybody. What takes longer than the time to live between this and its effect needs a fence.
   * @throws {HiqliteError} `lock_lost`
   */
  check(): void {
    if (this.held) return;
    throw new HiqliteError(
      "lock_lost",
      `The lock ${JSON.stringify(this.name)} is not held any more: ${
        this.#released !== null
          ? "it was released"
          : (this.#lease.failure ?? this.signal.reason as HiqliteError).message
      }`,
    );
  }

  /** Gives it back. False if it was lost before. Again it answers the same. @throws {HiqliteError} what keeps it from being given back now: it is tried again, until its time ends it. */
  release(): Promise<boolean> {
    this.#released ??= this.#release();
    return this.#released;
  }

  /** Gives it back; a lock that was lost, or cannot be given back now, is no error. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.release().catch(() => {});
  }

  #lose(error: HiqliteError): void {
    this.#unclaimed?.end();
    this.#unuse();
    this.#controller.abort(error);
  }

  async #release(): Promise<boolean> {
    this.#unclaimed?.end();
    const give = (): Promise<boolean> => giveBack(this.#transport, this);
    try {
      return await give();
    } catch (error) {
      void this.#lease.owe(give);
      throw error;
    } finally {
      this.#unuse();
    }
  }
}

/** Gives a lock back; false if it was lost before. @throws {HiqliteError} */
export async function giveBack(
  transport: Transport,
  { name, token }: LockFence,
): Promise<boolean> {
  const { answer } = await transport.call(LOCK_CHANGE, {
    operation: { kind: "release", name, token },
  }, {});
  return answer.kind === "released" && answer.found;
}
