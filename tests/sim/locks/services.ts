import { DueClock } from "../../../src/node/upkeep/due_clock.ts";
import { LatestEvents } from "../../../src/node/services/topics/latest_events.ts";
import { LockWaits } from "../../../src/node/services/lock_waits.ts";
import type { SqlMachine } from "../../../src/state/sql/port.ts";
import { SimMachine } from "../machine.ts";
import type { SimMember } from "../member.ts";
import type { SimNode } from "../node.ts";
import type { World } from "../world.ts";
import { encodeAsked } from "./commands.ts";
import { LockModel } from "./model.ts";

/** What a process does for locks and topics beside its group: production code, as far as it needs no promises. */
export class LockServices {
  readonly waits: LockWaits;
  readonly #world: World;
  readonly #process: SimMember;
  readonly #due: DueClock;
  #latest: LatestEvents | null = null;
  readonly #listeners = new Set<() => void>();

  /** Of a process that has just started on `node`. */
  constructor(world: World, process: SimMember, node: SimNode) {
    this.#world = world;
    this.#process = process;
    this.waits = new LockWaits(() => process.group);
    this.#due = new DueClock({
      clock: { monotonic: () => node.monotonic, wall: () => world.now },
      timers: {
        after: (ms, callback) => {
          let wanted = true;
          process.later(ms * node.clockRate, () => {
            if (wanted) callback();
          });
          return () => {
            wanted = false;
          };
        },
      },
      group: () => process.group,
      state: () => ({
        clockMs: process.state.clockMs,
        nextDueMs: this.model.nextDueMs,
      }),
      tellTime: () => this.#tellTime(),
    });
  }

  /** What is committed here. */
  get model(): LockModel {
    const { state } = this.#process;
    if (state instanceof SimMachine && state.model instanceof LockModel) {
      return state.model;
    }
    throw new Error("no locks here");
  }

  /** A tick of the member's clock. */
  tick(): void {
    this.waits.tick();
    this.#due.tick();
  }

  /** The latest events, which listeners share; `added` is called when there are more, until what is answered is called. */
  listen(added: () => void): { latest: LatestEvents; leave: () => void } {
    this.#listeners.add(added);
    const latest = this.#latest ??= this.#follow();
    const leave = (): void => {
      this.#listeners.delete(added);
      if (this.#listeners.size > 0) return;
      this.#latest?.stop();
      this.#latest = null;
    };
    return { latest, leave };
  }

  #follow(): LatestEvents {
    const { state, group } = this.#process;
    const model = (): LockModel => this.model;
    const machine = {
      get applied() {
        return state.applied;
      },
      get retainedEvents() {
        return model().retainedEvents;
      },
    };
    return new LatestEvents(
      group,
      machine as unknown as SqlMachine,
      "simulated",
      () => {
        for (const added of this.#listeners) added();
      },
    );
  }

  #tellTime(): Promise<unknown> {
    const attempt = this.#world.nextAttempt();
    const payload = encodeAsked("clock", attempt, { session: 0, sequence: 0 });
    return soonSettled((settle) =>
      this.#process.group.propose(payload, (result) => {
        if (result.kind === "refused") {
          this.#world.oracle.attempts.refuse(attempt);
        }
        settle();
      })
    );
  }
}

/** As much of a promise as is asked of one: no other runs while time is virtual. */
function soonSettled(begin: (settle: () => void) => void): Promise<unknown> {
  const settled = {
    catch: () => settled,
    then: (next: () => void) => begin(next),
  };
  return settled as unknown as Promise<unknown>;
}
