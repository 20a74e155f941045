import os from "node:os";

/** The value below which `share` (0 to 1) of the values lie. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[
    Math.min(sorted.length - 1, Math.floor(share * sorted.length))
  ]!;
}

/** A time as people read it. */
export function ms(value: number): string {
  return value < 10 ? `${value.toFixed(1)} ms` : `${Math.round(value)} ms`;
}

/** A Markdown table. */
export function table(
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`;
  const rule = head.map((_, at) => at === 0 ? "---" : "--:");
  return [head, rule, ...rows].map(line).join("\n");
}

/** Where figures were taken: without it they say little. */
export function machine(): string {
  const [load] = os.loadavg();
  return `${os.cpus()[0]!.model.trim()}, ${os.cpus().length} cores, ` +
    `load average ${load!.toFixed(1)}; all members on this machine`;
}
