import type { LogIndex, MemberId } from "../../src/raft/types.ts";
import type { StateEvent } from "../../src/state/port.ts";
import type { SeenRead } from "./dialect.ts";
import type { SimMember } from "./member.ts";
import { Violation } from "./violation.ts";
import type { World } from "./world.ts";

/** What members hold when a run is over: the same at the same index, and what the log alone gives. */
export class Agreement {
  readonly #world: World;
  /** What clients read from members' states. */
  readonly #reads: SeenRead[] = [];

  /** Of the members of `world`. */
  constructor(world: World) {
    this.#world = world;
  }

  /** A client read a key of a member's state. */
  sawRead({ state }: SimMember, key: number, value: string): void {
    if (this.#world.dialect.judge === undefined) return;
    const { applied: { index: from }, seen: to } = state;
    this.#reads.push({ key, value, from, to });
  }

  /** Members that have applied the same entries have the same state. */
  compareStates(): void {
    const states = new Map<LogIndex, { member: MemberId; dump: string }>();
    for (const { process } of this.#world.nodes) {
      if (process === null) continue;
      process.state.rest();
      const { index } = process.state.applied;
      const dump = process.state.dump();
      const other = states.get(index);
      if (other === undefined) {
        states.set(index, { member: process.member, dump });
      } else if (other.dump !== dump) {
        throw new Violation(
          "equal states",
          `${process.member} and ${other.member} differ at ${index}`,
        );
      }
    }
  }

  /** The log from its beginning, applied in other batches than anybody prepared or applied it in, gives the same state and the same answers. */
  replay(): void {
    const processes = this.#world.nodes.flatMap(({ process }) => process ?? []);
    const far =
      processes.toSorted((a, b) =>
        b.state.applied.index - a.state.applied.index
      )[0];
    if (far === undefined) return;
    const entries = this.#world.oracle.history.slice(
      0,
      far.state.applied.index,
    );
    const model = this.#world.dialect.model(new Uint8Array(0));
    const answered: Uint8Array[] = [];
    const events: StateEvent[] = [];
    for (let at = 0; at < entries.length;) {
      const batch = entries.slice(
        at,
        at + this.#world.draws.machine.int(1, 40),
      );
      const { answers } = model.apply(batch);
      batch.forEach(({ index }, i) =>
        this.#world.oracle.replayed(index, answers[i]!)
      );
      answered.push(...answers);
      events.push(...model.takeEvents?.() ?? []);
      at += batch.length;
    }
    const dump = model.dump();
    const same = dump === far.state.dump();
    model.close();
    this.#world.dialect.judge?.({
      entries,
      answers: answered,
      reads: this.#reads,
      events,
      dump,
    });
    if (model.takeEvents !== undefined) {
      this.#world.oracle.events.retold(events, far.state.applied.index);
    }
    this.#world.locks?.checkHeard(events);
    if (!same) throw new Violation("replay", `${far.member} differs`);
  }
}
