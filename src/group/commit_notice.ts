import type { Input } from "../raft/io.ts";
import type { Intake } from "./intake.ts";

/** What telling of commits needs from the loop. */
export interface CommitNoticePorts {
  step(input: Input): void;
  /** What says whether more entries are to come. */
  readonly intake: Pick<Intake, "follows" | "outstanding">;
  /** See {@linkcode GroupPorts.afterTurns}. */
  readonly afterTurns: ((callback: () => void) => void) | undefined;
}

/**
 * A leader's commit index, which the others have to hear. Entries carry it for nothing; a message of its own, with its
 * reply, costs each member as much as an entry. So where the next entries wait already, the index goes with them; where
 * commands are not run first, it waits until those who heard an answer have had the chance to propose again; in any
 * case for a tick at most. Else it leaves before the answers do, so that who reads elsewhere finds the write there.
 */
export class CommitNotice {
  readonly #ports: CommitNoticePorts;
  #held = false;
  #scheduled = false;

  /** Tells at once until entries are appended. */
  constructor(ports: CommitNoticePorts) {
    this.#ports = ports;
  }

  /** A leader appended entries: their commit may wait. */
  appended(): void {
    if (this.#ports.afterTurns !== undefined) this.#hold(true);
  }

  /** The core is about to say what is to be sent. */
  look(): void {
    if (this.#held && this.#ports.intake.follows === false) this.tell();
  }

  /** Entries are applied, and whoever waited for them hears of it now. */
  applied(): void {
    if (!this.#held || this.#scheduled || this.#ports.intake.follows !== null) {
      return;
    }
    this.#scheduled = true;
    this.#ports.afterTurns!(() => {
      this.#scheduled = false;
      if (this.#ports.intake.outstanding === 0) this.tell();
    });
  }

  /** Somebody elsewhere waits, or enough time has passed. */
  tell(): void {
    this.#hold(false);
  }

  #hold(held: boolean): void {
    if (this.#held === held) return;
    this.#held = held;
    this.#ports.step({ kind: "holdCommits", held });
  }
}
