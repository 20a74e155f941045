import { join } from "node:path";
import { existsSync, readFileSync, rmSync } from "node:fs";
import type { Entry, LogIndex } from "../../raft/types.ts";
import { replaceFile } from "../../util/durable_file.ts";
import type { StuckEntry } from "../port.ts";

/** Notes the entry that ended the writer. */
const STUCK_FILE = "stuck.json";
/** An entry that ended the writer this often, alone in its batch, is not applied again. */
const LOSSES_MAX = 2;

/**
 * Which entry ended the writer, and how often. The one that is not to be tried again is noted
 * on disk: a member that died of it at every start could not be helped any more.
 */
export class Losses {
  readonly #path: string;
  #stuck: StuckEntry | null;
  #suspect: LogIndex = 0;
  #count = 0;

  /** Reads the note in `folder`; it is void once `applied` is past its entry. */
  constructor(folder: string, applied: LogIndex) {
    this.#path = join(folder, STUCK_FILE);
    this.#stuck = read(this.#path);
    this.passed(applied);
  }

  /** See `StateMachine`. */
  get stuck(): StuckEntry | null {
    return this.#stuck;
  }

  /** The writer was lost while it applied these entries. */
  note(entries: readonly Entry[], reason: string): void {
    // Which of several it was shows when they come one by one.
    if (entries.length !== 1) return;
    const { index } = entries[0]!;
    this.#count = index === this.#suspect ? this.#count + 1 : 1;
    this.#suspect = index;
    if (this.#count < LOSSES_MAX) return;
    this.#stuck = { index, reason };
    replaceFile(this.#path, JSON.stringify(this.#stuck));
  }

  /** Everything up to `applied` is behind this member. */
  passed(applied: LogIndex): void {
    if (this.#stuck === null || applied < this.#stuck.index) return;
    this.#stuck = null;
    rmSync(this.#path, { force: true });
  }
}

function read(path: string): StuckEntry | null {
  if (!existsSync(path)) return null;
  const { index, reason } = JSON.parse(readFileSync(path, "utf8"));
  return { index, reason };
}
