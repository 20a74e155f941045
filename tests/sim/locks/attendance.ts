import type { LockAsk } from "../../../src/node/services/lock_waits.ts";
import type { SimMember } from "../member.ts";
import type { LockScene } from "./scene.ts";

/** Has a member note what becomes of tickets while a request for one is on its way to it. */
export class Attendance {
  readonly #scene: LockScene;
  #at: { readonly process: SimMember; readonly ask: LockAsk } | null = null;

  /** At members of this scene. */
  constructor(scene: LockScene) {
    this.#scene = scene;
  }

  /** Where the last attempt went. */
  get at(): { readonly process: SimMember; readonly ask: LockAsk } {
    return this.#at!;
  }

  /** An attempt reaches a member. */
  begin(process: SimMember): void {
    this.end();
    this.#at = { process, ask: this.#scene.of(process).waits.asks() };
  }

  /** The ticket is known, or there is none. */
  end(): void {
    if (this.#at?.process.alive) {
      this.#scene.of(this.#at.process).waits.knows(this.#at.ask);
    }
    this.#at = null;
  }
}
