import { cpus, loadavg, release, type } from "node:os";
import { round } from "./load.ts";

/** Where a bench ran. */
export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly os: string;
  readonly deno: string;
  /** Load average over the minute before. */
  readonly load: number;
}

/** This machine. */
export function describeMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    os: `${type()} ${release()}`,
    deno: Deno.version.deno,
    load: round(loadavg()[0] ?? 0),
  };
}

/** Processor time that all processes of this machine have used since it started, ms. */
export function busyMs(): number {
  let busy = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
  }
  return busy;
}
