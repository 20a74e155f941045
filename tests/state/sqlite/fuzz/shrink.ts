import type { History } from "./grammar.ts";

/** A history that still `fails` and from which no step and no statement can be left out (Zeller's ddmin, in halves). */
export function shrink(
  history: History,
  fails: (history: History) => boolean,
): History {
  let smallest = history;
  for (let size = Math.ceil(history.length / 2); size >= 1;) {
    let removed = false;
    for (let at = 0; at < smallest.length;) {
      const without = [
        ...smallest.slice(0, at),
        ...smallest.slice(at + size),
      ];
      if (fails(without)) {
        smallest = without;
        removed = true;
      } else at += size;
    }
    if (size === 1 && !removed) break;
    size = Math.max(1, Math.floor(size / 2));
  }
  return statementsLeftOut(smallest, fails);
}

function statementsLeftOut(
  history: History,
  fails: (history: History) => boolean,
): History {
  let smallest = history;
  for (let step = 0; step < smallest.length; step++) {
    for (let at = smallest[step]!.statements.length - 1; at >= 0; at--) {
      const { kind, statements } = smallest[step]!;
      if (statements.length === 1) break;
      const shorter = {
        kind,
        statements: statements.filter((_, i) => i !== at),
      };
      const without = smallest.map((other, i) => i === step ? shorter : other);
      if (fails(without)) smallest = without;
    }
  }
  return smallest;
}
