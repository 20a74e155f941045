import { compare } from "./compare.ts";
import { drawHistory, type History } from "./grammar.ts";
import { shrink } from "./shrink.ts";

/** The histories of some seeds. */
export interface Task {
  readonly seeds: readonly number[];
}

/** What was found in a task. */
export interface Found {
  readonly seed: number;
  readonly difference: string;
  readonly history: History;
}

/** What runs of `seed` differ in, in the shortest history that still does. */
export function look(seed: number, dir: string): Found | null {
  const history = drawHistory(seed);
  const difference = compare(history, seed, dir);
  if (difference === null) return null;
  // Cuts follow from the seed and the length, so a shorter history gets some seeds to fail with.
  const differs = (shorter: History): number | null => {
    for (let i = 0; i < 8; i++) {
      if (compare(shorter, seed + i * 7919, dir) !== null) return i;
    }
    return null;
  };
  const shortest = shrink(history, (shorter) => differs(shorter) !== null);
  const cut = differs(shortest) ?? 0;
  return {
    seed,
    difference: compare(shortest, seed + cut * 7919, dir) ?? difference,
    history: shortest,
  };
}

function temporaryFolder(): string {
  try {
    return Deno.makeTempDirSync({ dir: "/dev/shm", prefix: "hql-fuzz-" });
  } catch {
    return Deno.makeTempDirSync({ prefix: "hql-fuzz-" });
  }
}

/** Runs with a folder that exists meanwhile, in memory where that can be had. */
export function withFolder<T>(run: (dir: string) => T): T {
  const dir = temporaryFolder();
  try {
    return run(dir);
  } finally {
    Deno.removeSync(dir, { recursive: true });
  }
}

const scope = globalThis as unknown as {
  onmessage: ((event: MessageEvent<Task>) => void) | null;
  postMessage?: (found: readonly Found[]) => void;
};

if ("WorkerGlobalScope" in globalThis) {
  scope.onmessage = ({ data: { seeds } }) => {
    const found = withFolder((dir) =>
      seeds.map((seed) => look(seed, dir)).filter((one) => one !== null)
    );
    scope.postMessage!(found);
  };
  // What came while the modules were loading was lost.
  scope.postMessage!([]);
}
