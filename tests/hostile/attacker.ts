// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/**
 * Hostile clients in a process of their own, so that they cost honest ones nothing but
 * what they cost the members. Plays scripts until its standard input ends, and prints
 * what it did.
 *
 * Usage: attacker.ts SEED LANES KINDS TARGETS, both lists as JSON
 */
import { setTimeout as sleep } from "node:timers/promises";
import { randomBetween, SeededRandom } from "../../src/util/random.ts";
import { type Attempt, play, type Target } from "./connection.ts";
import { oneOf } from "./draw.ts";
import { drawScript } from "./grammar.ts";

/** What hostile clients did, of one kind. */
export interface Played {
  scripts: number;
  connections: number;
  /** Connections that were not accepted. */
  refused: number;
  /** Connections that the member ended. */
  ended: number;
  bytesSent: number;
}

/** The longest pause between two scripts of a lane, ms. */
const PAUSE_MS = 100;

/** One script after another, the same ones for the same seed. */
async function lane(
  seed: number,
  kinds: readonly string[],
  targets: readonly Target[],
  played: Record<string, Played>,
  stopped: AbortSignal,
): Promise<void> {
  const random = new SeededRandom(seed);
  while (!stopped.aborted) {
    const script = drawScript(random, kinds);
    const target = oneOf(random, targets);
    const attempts = await Promise.all(
      Array.from(
        { length: script.connections },
        () => play(script, target, stopped),
      ),
    );
    count(played, script.name, attempts);
    await sleep(randomBetween(random, 0, PAUSE_MS));
  }
}

function count(
  played: Record<string, Played>,
  name: string,
  attempts: readonly Attempt[],
): void {
  const kind = played[name] ??= {
    ...{ scripts: 0, connections: 0, refused: 0, ended: 0, bytesSent: 0 },
  };
  kind.scripts++;
  for (const { connected, ended, bytesSent } of attempts) {
    kind.connections++;
    if (!connected) kind.refused++;
    else if (ended) kind.ended++;
    kind.bytesSent += bytesSent;
  }
}

if (import.meta.main) {
  const [seed, lanes, kinds, targets] = Deno.args as [
    string,
    string,
    string,
    string,
  ];
  const stop = new AbortController();
  const played: Record<string, Played> = {};
  const all = Array.from({ length: Number(lanes) }, (_, i) =>
    lane(
      Number(seed) * 1000 + i,
      JSON.parse(kinds),
      JSON.parse(targets),
      played,
      stop.signal,
    ));
  for await (const _ of Deno.stdin.readable);
  stop.abort();
  await Promise.all(all);
  console.log(JSON.stringify(played));
  Deno.exit(0);
}
