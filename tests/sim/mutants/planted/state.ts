import type { Mutant } from "../table.ts";

/** Planted in the SQLite state machine. */
export const STATE_MUTANTS: readonly Mutant[] = [
  {
    name: "a repeated write is applied again",
    file: "state/sqlite/apply/applier.ts",
    find: `      case "repeated":
        return known.answer;`,
    replace: `      case "repeated":
        break;`,
    step: 10,
  },
  {
    name: "time and randomness are the member's own",
    file: "state/sqlite/apply/applier.ts",
    find: "    overrideFunctions(connection, originals, this.#context);\n",
    replace: "    void [overrideFunctions, originals];\n",
    step: 10,
  },
  {
    name: "remembered answers are not saved",
    file: "state/sqlite/apply/applier.ts",
    find: "    this.#sessions.save(first);\n",
    replace: "    void first;\n",
    step: 10,
  },
  {
    name: "a clock that jumps makes everybody forget",
    file: "state/sqlite/apply/applier.ts",
    find: "Math.min(now - this.#timeMs, PAUSE_MAX_MS)",
    replace: "now - this.#timeMs",
  },
];
