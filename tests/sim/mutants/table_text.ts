import { type Finder, formatFinder } from "./finder.ts";
import type { Mutant } from "./table.ts";

/** Who found which bug, as a table in Markdown. */
export function formatTable(
  mutants: readonly Mutant[],
  found: ReadonlyMap<string, Finder>,
): string {
  const rows = mutants.map(({ name, file }) => {
    const by = found.get(name);
    const who = by === undefined ? "**nobody**" : formatFinder(by);
    return `| ${name} | \`${file}\` | ${who.replaceAll("|", "\\|")} |`;
  });
  return ["| planted bug | in | found by |", "| --- | --- | --- |", ...rows]
    .join("\n");
}
