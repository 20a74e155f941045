import type { DashboardRole } from "../../api/dashboard/routes.ts";
import { HiqliteError } from "../../errors.ts";
import { networkOf } from "../../util/network_of.ts";
import { isThisMachine } from "../this_machine.ts";
import type { PasswordQuestion } from "./password_question.ts";

/** Checks that wait; more are refused, but those of this machine. */
const WAITING_MAX = 16;
/** Of them, from one address. */
const WAITING_MAX_OF_ONE = 2;

interface WaitingCheck {
  readonly password: string;
  /** See {@linkcode networkOf}. */
  readonly network: string;
  readonly resolve: (role: DashboardRole | null) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Checks passwords in a Worker, one at a time, of each address in turn: a check takes up to a second and 32 MiB. There
 * is no Worker while there is nothing to check.
 */
export class PasswordChecks {
  readonly #hashes: readonly (readonly [DashboardRole, string])[];
  readonly #waiting: WaitingCheck[] = [];
  /** Networks, the one that was served last at the end. */
  #served: string[] = [];
  #running: WaitingCheck | null = null;
  #worker: Worker | null = null;

  /** Knows the hash of each role's password; empty for none. */
  constructor(passwords: Readonly<Record<DashboardRole, string>>) {
    const { admin, viewer } = passwords;
    this.#hashes = ([["admin", admin], ["viewer", viewer]] as const)
      .filter(([, hash]) => hash !== "");
  }

  /** Whether there is any password. */
  get possible(): boolean {
    return this.#hashes.length > 0;
  }

  /**
   * Whose password it is; null: nobody's.
   * @throws {HiqliteError} `overloaded` if too many wait
   */
  check(password: string, address: string): Promise<DashboardRole | null> {
    const network = networkOf(address);
    const same = this.#waiting.filter((one) => one.network === network).length;
    const full = this.#waiting.length >= WAITING_MAX &&
      !isThisMachine(address);
    if (full || same >= WAITING_MAX_OF_ONE) {
      throw new HiqliteError(
        "overloaded",
        `${this.#waiting.length} passwords wait to be checked (the most is ${WAITING_MAX}, and ${WAITING_MAX_OF_ONE} from one address): try again in a moment, or run hiqlite open`,
      );
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ password, network, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== null) return;
    const check = this.#take();
    if (check === undefined) {
      this.#worker?.terminate();
      this.#worker = null;
      return;
    }
    this.#running = check;
    const { password } = check;
    const hashes = this.#hashes.map(([, hash]) => hash);
    this.#worker ??= this.#start();
    this.#worker.postMessage(
      { password, hashes } satisfies PasswordQuestion,
    );
  }

  /** The next one of the address that was served least lately. */
  #take(): WaitingCheck | undefined {
    const rank = ({ network }: WaitingCheck): number =>
      this.#served.indexOf(network);
    let best = 0;
    for (const [at, check] of this.#waiting.entries()) {
      if (rank(check) < rank(this.#waiting[best]!)) best = at;
    }
    const [check] = this.#waiting.splice(best, 1);
    if (check === undefined) return undefined;
    const { network } = check;
    this.#served = [...this.#served.filter((one) => one !== network), network]
      .slice(-2 * WAITING_MAX);
    return check;
  }

  #start(): Worker {
    const worker = new Worker(
      new URL("./password_worker.ts", import.meta.url),
      { type: "module" },
    );
    worker.onmessage = ({ data }: MessageEvent<number | null>) => {
      const check = this.#running;
      this.#running = null;
      check?.resolve(data === null ? null : this.#hashes[data]![0]);
      this.#next();
    };
    worker.onerror = (event) => {
      event.preventDefault();
      this.#end(
        new HiqliteError(
          "internal",
          `The Worker that checks passwords failed: ${event.message}`,
        ),
      );
    };
    return worker;
  }

  #end(error: Error): void {
    this.#worker?.terminate();
    this.#worker = null;
    const ended = [...this.#waiting.splice(0)];
    if (this.#running !== null) ended.unshift(this.#running);
    this.#running = null;
    for (const check of ended) check.reject(error);
  }
}

/** Never called: by this a compiled program contains the Worker's module. */
export const passwordModule = (): Promise<unknown> =>
  import("./password_worker.ts");
