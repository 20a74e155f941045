import { type HistoryEvent, pairEvents } from "./history.ts";
import type { Violation } from "./violation.ts";

/** What a read of all accounts answers: account → balance. */
export type Balances = Readonly<Record<string, number>>;

/** Every `read` must show all accounts, none below zero, and the same total. */
export function checkBank(
  events: readonly HistoryEvent[],
  options: { readonly accounts: number; readonly total: number },
): Violation[] {
  const violations: Violation[] = [];
  for (const { invoke, end } of pairEvents(events)) {
    if (invoke.f !== "read" || end?.type !== "ok") continue;
    const balances = Object.values(end.value as Balances);
    const total = balances.reduce((sum, balance) => sum + balance, 0);
    const shown = `${JSON.stringify(end.value)} read by ${invoke.process}`;
    if (balances.length !== options.accounts) {
      violations.push({ anomaly: "missing account", message: shown });
    }
    if (total !== options.total) {
      violations.push({
        anomaly: "wrong total",
        message: `${total} instead of ${options.total}: ${shown}`,
      });
    }
    if (balances.some((balance) => !(balance >= 0))) {
      violations.push({ anomaly: "negative balance", message: shown });
    }
  }
  return violations;
}
