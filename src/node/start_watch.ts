import type { HealthStatus } from "./port.ts";
import type { Clock } from "../util/clock.ts";
import type { Logger } from "../util/logger.ts";

/** Between two lines, ms; after the first minute, and as long as that lasts. */
const OFTEN_MS = 5_000;
const PATIENT_MS = 60_000;

/** What the watch needs from its node. */
export interface StartWatchPorts {
  readonly clock: Clock;
  readonly logger: Logger;
  /** See {@linkcode Member.ready}. */
  ready(): HealthStatus;
  stopping(): boolean;
  /** Whether a cluster that was formed has no leader: then that is told already. */
  leaderless(): boolean;
}

/** A start that waits says every few seconds for what, until the member is ready for the first time. */
export class StartWatch {
  readonly #ports: StartWatchPorts;
  readonly #begunMs: number;
  #nextMs: number;
  #over = false;

  /** The member begins now. */
  constructor(ports: StartWatchPorts) {
    this.#ports = ports;
    this.#begunMs = ports.clock.monotonic();
    this.#nextMs = this.#begunMs + OFTEN_MS;
  }

  /** Looks whether it is, and says what is missing. Call it a few times a second. */
  tick(): void {
    const { clock, logger } = this.#ports;
    if (this.#over || this.#ports.stopping()) return;
    const now = clock.monotonic();
    const waitedMs = now - this.#begunMs;
    const { ok, detail } = this.#ports.ready();
    this.#over = ok;
    if (ok) return logger.info("ready", { ms: Math.round(waitedMs) });
    if (now < this.#nextMs || this.#ports.leaderless()) return;
    this.#nextMs = now + (waitedMs < PATIENT_MS ? OFTEN_MS : PATIENT_MS);
    const waited = `${Math.round(waitedMs / 1000)} s`;
    logger.info(`not ready for ${waited}: ${detail}`);
  }
}
