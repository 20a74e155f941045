import type { PreparingMachine } from "../state/port.ts";

/** How long an aborted preparation may take to end, ms: another writer may have to recover the WAL of one that was killed. */
const ABORT_MS = 15_000;
/** How long one may go on whose batch is not wanted any more, ms. */
const UNWANTED_MS = 1_000;
/** How long another member may take to take over before one that hangs ends, ms. */
const HAND_OVER_MS = 2_000;

/** A write runs for too long, and nothing can end it but the end of its member. */
export class HungMachineError extends Error {
  /** `HungMachineError` */
  override readonly name = "HungMachineError";
}

/** What the watch needs, and tells. */
export interface RunWatchPorts {
  readonly machine: PreparingMachine;
  /** How long this payload may run, ms. */
  limitMs(payload: Uint8Array): number;
  /** The payload at this place hangs for good: nobody shall run it again, and another member shall lead. */
  hangs(at: number): void;
  /** The machine hangs and cannot be interrupted. */
  failed(error: Error): void;
}

/** Looks how long each entry runs before it is proposed, and ends what takes too long. */
export class RunWatch {
  readonly #ports: RunWatchPorts;
  #batch: readonly { readonly payload: Uint8Array }[] = [];
  #trialMs = Infinity;
  /** The place of the one that runs, and for how long already. */
  #at = 0;
  #ranMs = 0;
  /** Since the machine was told to end it, ms; null before. */
  #abortedMs: number | null = null;
  /** Since it turned out to hang for good, ms; null before. */
  #hungMs: number | null = null;

  /** Watches `ports.machine`. */
  constructor(ports: RunWatchPorts) {
    this.#ports = ports;
  }

  /** A preparation begins. What may run for much longer than `trialMs` is ended after that. */
  begin(
    batch: readonly { readonly payload: Uint8Array }[],
    trialMs: number,
  ): void {
    this.#batch = batch;
    this.#trialMs = trialMs;
    this.#at = 0;
    this.#ranMs = 0;
    this.#abortedMs = null;
    this.#hungMs = null;
  }

  /** Whether this payload of the preparation has a shorter time than it may ask for. */
  onTrial(payload: Uint8Array): boolean {
    return this.#ports.limitMs(payload) > 2 * this.#trialMs;
  }

  /** It ended. */
  end(): void {
    this.#batch = [];
  }

  /** So much time passed; `wanted`: this member still leads. */
  tick(elapsedMs: number, wanted: boolean): void {
    if (this.#hungMs !== null) return this.#waitForHeir(elapsedMs, wanted);
    if (this.#abortedMs !== null) {
      this.#abortedMs += elapsedMs;
      if (this.#abortedMs > ABORT_MS) this.#hangs();
      return;
    }
    // It has not begun: the machine is still at what came before.
    if (this.#batch.length === 0) return;
    const { machine } = this.#ports;
    const at = machine.preparing;
    if (at !== this.#at) this.#ranMs = 0;
    this.#at = at;
    this.#ranMs += elapsedMs;
    const { payload } = this.#batch[Math.min(at, this.#batch.length - 1)]!;
    const limitMs = this.onTrial(payload)
      ? this.#trialMs
      : this.#ports.limitMs(payload);
    const over = this.#ranMs > limitMs;
    const unwanted = !wanted && this.#ranMs > UNWANTED_MS;
    if (!over && !unwanted) return;
    if (machine.abortPrepare()) this.#abortedMs = 0;
    else if (over) this.#hangs();
  }

  #hangs(): void {
    this.#hungMs = 0;
    this.#ports.hangs(this.#at);
  }

  #waitForHeir(elapsedMs: number, wanted: boolean): void {
    this.#hungMs! += elapsedMs;
    if (wanted && this.#hungMs! <= HAND_OVER_MS) return;
    const why = this.#abortedMs === null
      ? "its writer can be neither interrupted nor killed here: restart this member, with --allow-run or --allow-ffi so that it can"
      : `did not end within ${
        ABORT_MS / 1000
      } s of being told to, which nothing else can do here: restart this member, with HQL_SQLITE_DRIVER=node if this happens again`;
    this.#ports.failed(
      new HungMachineError(
        `A write ran for more than ${Math.round(this.#ranMs)} ms and ${why}`,
      ),
    );
  }
}
