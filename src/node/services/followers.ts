import { HiqliteError } from "../../errors.ts";
import { startTimer } from "../../util/timers.ts";

/** Those who follow something at a member, each until its signal aborts or the member stops. */
export class Followers {
  readonly #doing: string;
  readonly #wakes = new Set<() => void>();
  #closed = false;

  /** `doing` says in an error what to do through another member. */
  constructor(doing: string) {
    this.#doing = doing;
  }

  /** Whether to go on. @throws {HiqliteError} `shutting_down` */
  goesOn(signal: AbortSignal | undefined): boolean {
    if (signal?.aborted) return false;
    if (!this.#closed) return true;
    throw new HiqliteError(
      "shutting_down",
      `This member is stopping; ${this.#doing} through another one`,
    );
  }

  /** Resolves when what `listen` began wakes, or the follower may be over, at the latest after `ms`; true if these are over. */
  async woken(
    signal: AbortSignal | undefined,
    ms?: number,
    listen?: (wake: () => void) => () => void,
  ): Promise<boolean> {
    const woken = Promise.withResolvers<boolean>();
    const wake = (): void => woken.resolve(false);
    const late = (): void => woken.resolve(true);
    this.#wakes.add(wake);
    const end = listen?.(wake);
    signal?.addEventListener("abort", wake);
    const timer = ms === undefined ? undefined : startTimer(late, ms);
    if (signal?.aborted || this.#closed) wake();
    const isLate = await woken.promise;
    clearTimeout(timer);
    signal?.removeEventListener("abort", wake);
    this.#wakes.delete(wake);
    end?.();
    return isLate;
  }

  /** Has all who wait look. */
  wakeAll(): void {
    for (const wake of this.#wakes) wake();
  }

  /** Ends them all, and those to come. */
  close(): void {
    this.#closed = true;
    this.wakeAll();
  }
}
