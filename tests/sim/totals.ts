import { type Probe, PROBES, Probes } from "./probes.ts";
import type { Report } from "./run.ts";

/** The figures of a run that can be sent to another thread. */
export interface SeedResult {
  readonly seed: number;
  /** What broke, or nothing. */
  readonly violation: string | null;
  /** Set where the seed ran twice with different traces. */
  readonly nondeterministic: boolean;
  readonly simulatedMs: number;
  readonly events: number;
  readonly messages: number;
  readonly committed: number;
  readonly answered: number;
  readonly unknown: number;
  readonly checked: boolean;
  readonly faults: ReadonlyMap<string, number>;
  readonly probes: ReadonlyMap<Probe, number>;
}

/** The figures of one report. */
export function resultOf(
  report: Report,
  nondeterministic: boolean,
): SeedResult {
  const { plan, violation, probes, faults, checked } = report;
  const { simulatedMs, events, messages, committed, answered, unknown } =
    report;
  return {
    ...{ simulatedMs, events, messages, committed, answered, unknown },
    ...{ nondeterministic, checked, faults },
    seed: plan.seed,
    violation: violation?.message ?? null,
    probes: probes.counts,
  };
}

/** What all seeds together did. */
export class Totals {
  seeds = 0;
  simulatedMs = 0;
  events = 0;
  messages = 0;
  committed = 0;
  answered = 0;
  unknown = 0;
  /** Histories that were too long to decide. */
  unfinished = 0;
  readonly #faults = new Map<string, number>();
  readonly #probes = new Probes();
  /** Seeds that failed, each with what broke. */
  readonly failures: { readonly seed: number; readonly problem: string }[] = [];

  /** Adds a seed. */
  add(result: SeedResult): void {
    this.seeds++;
    this.simulatedMs += result.simulatedMs;
    this.events += result.events;
    this.messages += result.messages;
    this.committed += result.committed;
    this.answered += result.answered;
    this.unknown += result.unknown;
    if (!result.checked) this.unfinished++;
    this.#probes.merge({ counts: result.probes });
    for (const [kind, times] of result.faults) {
      this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + times);
    }
    const { seed, violation, nondeterministic } = result;
    if (violation !== null) this.failures.push({ seed, problem: violation });
    else if (nondeterministic) {
      this.failures.push({ seed, problem: "traces of two runs differ" });
    }
  }

  /** For `--json`: the same figures, with the seeds from `first` to `last`. */
  toJson(first: number, last: number, seconds: number): object {
    const { seeds, events, messages, committed, answered, unknown } = this;
    return {
      ...{ first, last, seeds },
      failures: this.failures,
      seconds: Math.round(seconds),
      simulatedSeconds: Math.round(this.simulatedMs / 1000),
      ...{ events, messages, committed, answered, unknown },
      unfinished: this.unfinished,
      faults: Object.fromEntries(sorted(this.#faults)),
      probes: Object.fromEntries(sorted(this.#probes.counts)),
      probesMissed: this.#probes.missed(),
    };
  }

  /** For people. */
  format(first: number, last: number, seconds: number): string {
    const simulated = this.simulatedMs / 1000;
    const faults = [...this.#faults.values()].reduce((a, b) => a + b, 0);
    const missed = this.#probes.missed();
    const all = Object.keys(PROBES).length;
    return [
      `${this.seeds} seeds (${first} … ${last}), ${this.failures.length} failures, ` +
      `${simulated.toFixed(0)} s simulated in ${seconds.toFixed(1)} s ` +
      `(${(simulated / seconds).toFixed(0)} × real time, ` +
      `${(this.seeds / seconds).toFixed(1)} seeds/s)`,
      `${this.events} events, ${this.messages} messages, ` +
      `${this.committed} entries committed, ${this.answered} operations answered, ` +
      `${this.unknown} of unknown outcome, ` +
      `${this.unfinished} histories not decided`,
      `${faults} faults: ${listed(this.#faults)}`,
      `probes: ${listed(this.#probes.counts)}`,
      `${all - missed.length} of ${all} probes hit`,
      ...missed.map((probe) => `  not hit: ${probe} (${PROBES[probe]})`),
    ].join("\n");
  }
}

function sorted<K extends string>(
  counts: ReadonlyMap<K, number>,
): [K, number][] {
  return [...counts].sort(([a], [b]) => a < b ? -1 : 1);
}

function listed(counts: ReadonlyMap<string, number>): string {
  return sorted(counts).map(([name, times]) => `${name} ${times}`).join(", ");
}
