import type { Entry, LogId, LogIndex } from "../../src/raft/types.ts";
import type {
  Divergence,
  StateEvent,
  StateMachine,
  StateRecovery,
} from "../../src/state/port.ts";
import type { Draw } from "./draw.ts";
import type { Model } from "./kv_model.ts";
import type { Probe } from "./probes.ts";

/** How likely what goes wrong in a preparation is, each time. */
export interface MachineFaults {
  readonly hangs: number;
  readonly dies: number;
  /** An entry must be applied alone. */
  readonly alone: number;
  /** Only some of a batch is prepared. */
  readonly cuts: number;
  /** The hash of an answer is wrong, in a preparation or here. */
  readonly differs: number;
  /** Whether what hangs can be ended. */
  readonly abortable: boolean;
  /** See `PreparingMachine.commitsUnattended`. */
  readonly unattended: boolean;
  /** Whether it is known which command of a batch was ended. */
  readonly certain: boolean;
}

/** A machine without faults. */
export const NO_FAULTS: MachineFaults = {
  hangs: 0,
  dies: 0,
  alone: 0,
  cuts: 0,
  differs: 0,
  abortable: true,
  unattended: true,
  certain: true,
};

/** What the machine needs of its process and its world. */
export interface MachineHost {
  /** Runs `event` after a while, unless the process is dead by then. */
  later(event: () => void): void;
  readonly draw: Draw;
  /** Makes a model from the bytes of a state. */
  model(bytes: Uint8Array): Model;
  /** The hash that an entry carries of its answer, and of what it tells. */
  hash(answer: Uint8Array, events: readonly StateEvent[]): number;
  /** Which faults a preparation has. */
  faults(): MachineFaults;
  /** The group was told of this divergence. */
  reported(): Divergence | null;
  /** From now on the hash of an entry at `index` in `term` may be wrong. */
  lied(index: LogIndex, term: number): void;
  /** A rare path of a preparation. */
  hit(probe: Probe): void;
  /** An entry takes effect. */
  applied(entry: Entry, answer: Uint8Array): void;
  /** A batch has taken effect, and the state's clock is this. */
  reached(index: LogIndex, clockMs: number): void;
  duplicate(): void;
  /** A snapshot begins to replace the state. */
  installing(): void;
  /** A snapshot became the state. */
  installed(last: LogId): void;
  /** Whether writes fail now for want of room. */
  full(): boolean;
  /** Bytes that make snapshots bigger. */
  readonly snapshotPadding: number;
}

/** What the simulator asks of a state machine beside what a group does. */
export interface SimulatedMachine extends StateMachine {
  /** What a start finds. */
  readonly recovery: StateRecovery;
  /** Whether a snapshot is on its way in. */
  readonly receiving: boolean;
  /** Whether a snapshot is replacing the state. */
  readonly installing: boolean;
  /** Whether a transaction is open that is not committed in the log. */
  readonly holds: boolean;
  /** The last entry that a read may see something of. */
  readonly seen: LogIndex;
  /** A key's value, as of `applied` or some entry up to `seen`. */
  read(key: number): string;
  /** The run is over: what was run and is not committed here is undone, or it would show in sessions. */
  rest(): void;
  /** The state in a canonical form, to compare members. */
  dump(): string;
  /** The process dies: what was under way may have reached the disk as a whole, or not at all. */
  die(): void;
}
