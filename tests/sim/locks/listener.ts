import type { LatestEvents } from "../../../src/node/services/topics/latest_events.ts";
import type { Draw } from "../draw.ts";
import type { SimMember } from "../member.ts";
import { Violation } from "../violation.ts";
import type { World } from "../world.ts";
import { lineOf } from "./judge.ts";
import type { LockScene } from "./scene.ts";

/** Where a listener listens. */
interface Attached {
  readonly process: SimMember;
  readonly latest: LatestEvents;
  leave(): void;
}

/**
 * One that hears all topics from the first event on, slowly, at one member after the other, and goes on after the last
 * one that it heard: it plays the part of `TopicListener`, which runs on promises.
 */
export class SimListener {
  readonly #world: World;
  readonly #scene: LockScene;
  readonly #draw: Draw;
  #attached: Attached | null = null;
  #index = 0;
  #number = 0;
  #due = false;

  /** It begins to listen soon. */
  constructor(world: World, scene: LockScene, draw: Draw) {
    this.#world = world;
    this.#scene = scene;
    this.#draw = draw;
    this.#later();
  }

  /** Whether it has heard everything that its member has. */
  get finished(): boolean {
    const attached = this.#attached;
    return attached !== null && attached.process.alive &&
      this.#number === this.#lastOf(attached.process);
  }

  /** The cluster is well again; it just goes on. */
  wrapUp(): void {}

  #later(): void {
    if (this.#due) return;
    this.#due = true;
    const { plan, healed } = this.#world;
    const { tickMs, raft } = plan;
    const electionMs = tickMs * raft.electionTicks;
    const ms = healed ? tickMs : this.#draw.exponential(electionMs / 2);
    this.#world.later(ms, () => {
      this.#due = false;
      this.#turn();
      this.#later();
    });
  }

  #turn(): void {
    if (this.#draw.chance(0.1)) this.#leave();
    if (this.#attached?.process.alive === false) this.#leave();
    if (this.#attached === null) this.#attach();
    const attached = this.#attached;
    attached?.process.run(() => {
      // It may have left a member that was paused.
      if (this.#attached === attached) this.#hear(attached);
    });
  }

  #leave(): void {
    const { process, leave } = this.#attached ?? {};
    this.#attached = null;
    if (process?.alive) leave!();
  }

  /** At a member that has come so far: as a listener that names where it was. */
  #attach(): void {
    const { plan, healed } = this.#world;
    const id = this.#draw.int(1, plan.nodes);
    const process = healed ? this.#world.leader() : this.#world.processOf(id);
    if (process === null || process.state.applied.index < this.#index) return;
    if (this.#number > this.#lastOf(process)) {
      throw new Violation(
        "topics",
        `${process.member} has applied ${this.#index} and not event ${this.#number}`,
      );
    }
    if (this.#number > 0) this.#world.probes.hit("listenerResumed");
    const { latest, leave } = this.#scene.of(process).listen(() => {});
    this.#attached = { process, latest, leave };
  }

  /** Some of what there is, from the ring or from the table. */
  #hear({ latest, process }: Attached): void {
    latest.take();
    for (let left = this.#draw.int(1, 30); left > 0; left--) {
      const { ring } = latest;
      if (this.#number < ring.start) {
        const { model } = this.#scene.of(process);
        const page = model.eventsAfter(this.#number);
        this.#world.probes.hit("eventsFromTable");
        if (page.length === 0) return;
        for (const event of page) {
          const { number, index, topic, bytes } = event;
          this.#heard(number, index, topic, bytes);
        }
        continue;
      }
      if (this.#number >= ring.last) return;
      const { number, index, message } = ring.at(this.#number + 1);
      this.#heard(number, index, message.topic, message.data.bytes);
    }
  }

  #heard(
    number: number,
    index: number,
    topic: string,
    bytes: Uint8Array,
  ): void {
    const { member } = this.#attached!.process;
    if (number !== this.#number + 1 || index < this.#index) {
      throw new Violation(
        "topics",
        `${member} told of event ${number} of ${index} after ${this.#number} of ${this.#index}`,
      );
    }
    this.#number = number;
    this.#index = index;
    this.#scene.heard(member, number, lineOf(number, index, topic, bytes));
  }

  #lastOf(process: SimMember): number {
    return this.#scene.of(process).model.retainedEvents.last;
  }
}
