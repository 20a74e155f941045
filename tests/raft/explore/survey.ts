import { printWorld, showMessage } from "./print.ts";
import { StateSpace } from "./state_space.ts";
import type { Action, Bounds, World } from "./world.ts";

/** What was found. */
export interface Exploration {
  readonly states: number;
  /** Different states of one member among them. */
  readonly memberStates: number;
  readonly transitions: number;
  /** The longest path. */
  readonly depth: number;
  /** Whether every state within the bounds was visited. */
  readonly complete: boolean;
  /** States in which some member had committed beyond the start. */
  readonly committed: number;
  /** The highest number of leaders on one path. */
  readonly leaders: number;
}

/** What was seen so far. */
export class Survey {
  readonly first: World;
  readonly #space: StateSpace;
  readonly #seen: Set<number> = new Set();
  #transitions = 0;
  #depth = 0;
  #committed = 0;
  #leaders = 0;

  constructor(bounds: Bounds) {
    this.#space = new StateSpace(bounds);
    this.first = this.#space.first();
    this.#seen.add(printWorld(this.first));
  }

  /** The world after the action; null if it was seen before. */
  visit(world: World, action: Action, taken: readonly Action[]): World | null {
    const before = this.#seen.size;
    const next = this.go(world, action, taken);
    return this.#seen.size > before ? next : null;
  }

  /** The world after the action; an error tells the way to it. */
  go(world: World, action: Action, taken: readonly Action[]): World {
    this.#transitions++;
    let next: World;
    try {
      next = this.#space.perform(world, action);
    } catch (error) {
      const way = [...taken, action].map(describeAction).join("\n");
      throw new Error(`${(error as Error).message}\n${way}`, { cause: error });
    }
    if (next === world) return world;
    const print = printWorld(next);
    if (this.#seen.has(print)) return next;
    this.#seen.add(print);
    if (next.committed.length > 0) this.#committed++;
    this.#leaders = Math.max(this.#leaders, Object.keys(next.leaders).length);
    this.#depth = Math.max(this.#depth, taken.length + 1);
    return next;
  }

  result(complete: boolean): Exploration {
    return {
      states: this.#seen.size,
      memberStates: this.#space.memberStates,
      transitions: this.#transitions,
      depth: this.#depth,
      complete,
      committed: this.#committed,
      leaders: this.#leaders,
    };
  }
}

function describeAction({ who, input, name }: Action): string {
  const isMessage = typeof input !== "string" && input.kind === "message";
  return isMessage ? showMessage(input.message) : `${who + 1} ${name}`;
}

/** One line for people. */
export function describe(bounds: Bounds, found: Exploration): string {
  const { states, memberStates, transitions, depth, committed } = found;
  return [
    `${JSON.stringify(bounds)}: ${states} states (${memberStates} of a member)`,
    `${transitions} transitions`,
    `depth ${depth}`,
    `${committed} states with commits`,
    `up to ${found.leaders} leaders`,
    found.complete ? "complete\n" : "stopped by the clock\n",
  ].join(", ");
}
