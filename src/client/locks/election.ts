import { HiqliteError } from "../../errors.ts";
import type { LockState } from "../../node/lock_port.ts";
import { pause } from "../../util/abort.ts";
import type { Lock } from "./lock.ts";
import type { LockSession } from "./lock_session.ts";
import type { ElectedLeader, ElectionOptions } from "./types.ts";

/** How long a member is asked for a change at a time, ms. */
const WATCH_MS = 30_000;
/** After a member could not say who leads, ms. */
const RETRY_MS = 200;

/** An election: one of those who stand for it leads, and everybody can see which. */
export class Election implements AsyncDisposable {
  /** The name of the lock that is its mandate. */
  readonly name: string;
  readonly #session: LockSession;
  readonly #options: ElectionOptions;
  #lock: Lock | null = null;

  /** Of a client; nothing is sent yet. */
  constructor(session: LockSession, name: string, options: ElectionOptions) {
    this.#session = session;
    this.name = name;
    this.#options = options;
  }

  /**
   * Stands for it, and resolves once this client leads, with the lock that says so: its `signal`
   * aborts when it does not lead any more. @throws {HiqliteError} as `lock()`
   */
  async campaign(
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<Lock> {
    if (this.#lock?.held) return this.#lock;
    this.#lock = await this.#session.lock(this.name, {
      ...this.#options,
      ...options,
    });
    return this.#lock;
  }

  /** Who leads, as far as the asked member knows; null if nobody does. */
  async leader(
    options: { readonly consistency?: "local" | "linearizable" } = {},
  ): Promise<ElectedLeader | null> {
    const { locks } = await this.#session.list(
      { name: this.name, ...options },
      {},
    );
    return leaderOf(locks.filter(({ claimed }) => claimed));
  }

  /**
   * Tells who leads now (null: nobody), and then each change, until the signal aborts. One that
   * is over before the next question is left out.
   */
  async *watch(
    { signal }: { readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<ElectedLeader | null> {
    let told: number | null = null;
    while (!signal?.aborted) {
      let locks: readonly LockState[];
      try {
        const request = told === null
          ? { name: this.name }
          : { name: this.name, unlike: told, waitMs: WATCH_MS };
        ({ locks } = await this.#session.list(
          request,
          signal === undefined ? {} : { signal },
        ));
      } catch (error) {
        if (signal?.aborted) return;
        if (!passes(error)) throw error;
        await pause(RETRY_MS, signal ?? new AbortController().signal);
        continue;
      }
      const leader = leaderOf(locks.filter(({ claimed }) => claimed));
      const token = leader?.token ?? 0;
      if (token === told) continue;
      told = token;
      yield leader;
    }
  }

  /** Leads no more; the next one does at once. Without effect if it does not lead. */
  async resign(): Promise<void> {
    const lock = this.#lock;
    this.#lock = null;
    await lock?.release();
  }

  /** Resigns; that it cannot now is no error: its lease tries again, and ends it at the latest. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.resign().catch(() => {});
  }
}

function leaderOf([first]: readonly LockState[]): ElectedLeader | null {
  if (first === undefined) return null;
  const { token, value, owner } = first;
  return { token, value, owner };
}

/** Whether another question may be answered. */
function passes(error: unknown): boolean {
  return error instanceof HiqliteError &&
    (error.code === "no_leader" || error.code === "timeout" ||
      error.code === "overloaded");
}
