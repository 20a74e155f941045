import { randomBetween, SeededRandom } from "../../../src/util/random.ts";
import { type Exploration, Survey } from "./survey.ts";
import { actions } from "./state_space.ts";
import type { Action, Bounds } from "./world.ts";

/** Visits every state within the bounds, or as many as the time allows. */
export function explore(bounds: Bounds, limitMs: number): Exploration {
  const deadline = performance.now() + limitMs;
  const survey = new Survey(bounds);
  const path = [{
    world: survey.first,
    rest: actions(survey.first, bounds.terms),
  }];
  const taken: Action[] = [];
  while (path.length > 0 && performance.now() < deadline) {
    const { world, rest } = path.at(-1)!;
    const { value: action, done } = rest.next();
    if (done) {
      path.pop();
      taken.pop();
      continue;
    }
    const next = survey.visit(world, action, taken);
    if (next === null) continue;
    taken.push(action);
    path.push({ world: next, rest: actions(next, bounds.terms) });
  }
  return survey.result(path.length === 0);
}

/** Goes random ways from the start, for bounds too wide to exhaust: so many, or as many as the time allows. */
export function wander(
  bounds: Bounds,
  seed: number,
  { ways = Infinity, limitMs = Infinity }: { ways?: number; limitMs?: number },
): Exploration {
  const deadline = performance.now() + limitMs;
  const survey = new Survey(bounds);
  const random = new SeededRandom(seed);
  for (let way = 0; way < ways && performance.now() < deadline; way++) {
    let world = survey.first;
    const taken: Action[] = [];
    for (let i = 0; i < 300; i++) {
      const choices = [...actions(world, bounds.terms)];
      if (choices.length === 0) break;
      const action = choices[randomBetween(random, 0, choices.length)]!;
      world = survey.go(world, action, taken);
      taken.push(action);
    }
  }
  return survey.result(false);
}
