import type { Clock } from "../../util/clock.ts";
import { networkOf } from "../../util/network_of.ts";
import { isThisMachine } from "../this_machine.ts";

/** After the second failure in a row an address waits so long, twice as long after each further one, ms. */
const FIRST_WAIT_MS = 1000;
/** But never longer, ms. */
const WAIT_MS_MAX = 30_000;
/** Failures that are older than this count no more, ms. */
const FORGET_MS = 10 * 60_000;
/** Addresses that are remembered; beyond it the one whose failure is oldest is forgotten. */
const ADDRESSES_MAX = 10_000;

/**
 * Slows whoever gives wrong passwords, by address: nobody can keep others out by it. This machine is never slowed.
 * Requests whose address is not known share one.
 */
export class LoginThrottle {
  readonly #clock: Pick<Clock, "monotonic">;
  /** By address, the oldest failure first. */
  readonly #failures = new Map<string, { count: number; atMs: number }>();

  /** Of one member. */
  constructor(clock: Pick<Clock, "monotonic">) {
    this.#clock = clock;
  }

  /** How long an address has to wait before a password of it is looked at, ms. */
  waitMs(address: string): number {
    const failed = this.#failures.get(networkOf(address));
    if (failed === undefined || isThisMachine(address)) return 0;
    const passed = this.#clock.monotonic() - failed.atMs;
    if (passed >= FORGET_MS || failed.count < 2) return 0;
    const wait = Math.min(
      FIRST_WAIT_MS * 2 ** (failed.count - 2),
      WAIT_MS_MAX,
    );
    return Math.max(0, Math.ceil(wait - passed));
  }

  /** A password from there was wrong. */
  failed(address: string): void {
    const network = networkOf(address);
    const now = this.#clock.monotonic();
    const before = this.#failures.get(network);
    const recent = before !== undefined && now - before.atMs < FORGET_MS;
    this.#failures.delete(network);
    this.#failures.set(network, {
      count: (recent ? before.count : 0) + 1,
      atMs: now,
    });
    if (this.#failures.size <= ADDRESSES_MAX) return;
    const [oldest] = this.#failures.keys();
    this.#failures.delete(oldest!);
  }

  /** Somebody there signed in. */
  passed(address: string): void {
    this.#failures.delete(networkOf(address));
  }
}
