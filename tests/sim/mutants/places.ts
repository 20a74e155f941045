/**
 * Where tests look at a file of `src/`, the nearest first: the tests named as
 * the file is, those of its folder, those of the folder at the top. The loop's
 * are also tested in whole members, and these with a group beside the durable
 * one, and in the lives of such groups.
 */
export function testsOf(file: string): string[] {
  const namesake = `tests/${file.replace(/\.ts$/, "_test.ts")}`;
  const inside = file.lastIndexOf("/");
  if (inside === -1) return [namesake];
  const folder = `tests/${file.slice(0, inside)}`;
  return [...new Set([namesake, folder, ...widest(file)])];
}

function widest(file: string): string[] {
  if (file.startsWith("state/kv/")) return ["tests/state/kv"];
  if (file === "state/cluster_facts.ts") {
    return ["tests/state", "tests/sim/epochs"];
  }
  const [top] = file.split("/");
  switch (top) {
    case "group":
    case "network":
      return [`tests/${top}`, "tests/node"];
    case "node":
      return ["tests/node", "tests/counter", "tests/sim/epochs"];
    default:
      return [`tests/${top}`];
  }
}
