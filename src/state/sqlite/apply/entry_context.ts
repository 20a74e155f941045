import { Notices } from "../../topics/notice.ts";

/** sfc32: a small generator with 128 bits of state, so that the whole 64-bit seed of an entry counts. */
class EntryRandom {
  #a: number;
  #b: number;
  #c = 0;
  #counter = 1;

  constructor(a: number, b: number) {
    this.#a = a | 0;
    this.#b = b | 0;
    for (let i = 0; i < 15; i++) this.uint32();
  }

  uint32(): number {
    const result = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + result) | 0;
    return result >>> 0;
  }
}

const MILLISECONDS_MAX = 253_402_300_799_999; // the end of the year 9999, where SQLite's calendar ends

const NONE: ReadonlySet<string> = new Set();

/** Where an entry's SQL gets time and chance from, the same on every member. */
export class EntryContext {
  #timeMs = 0;
  #seed: readonly [number, number] = [0, 0];
  #random: EntryRandom | null = null;
  #draws = 0;
  #iso: string | null = null;
  /** What the entry publishes so far. */
  readonly notices: Notices = new Notices();
  /** Why an overridden function failed last. */
  failure: string | null = null;
  /** The date functions have no current time: what is computed must not depend on it. */
  strict = false;
  /** Those that have none while the schema is changed, since an index or a generated column comes to use them. */
  pureFunctions: ReadonlySet<string> = NONE;

  /** Starts (or repeats from the start) an entry of this time and seed. Its place says nothing: a test's chance must not depend on what came before. */
  begin(timeMs: number, seed: readonly [number, number]): void {
    this.#timeMs = Math.min(timeMs, MILLISECONDS_MAX);
    this.#seed = seed;
    this.#random = null;
    this.#draws = 0;
    this.#iso = null;
    this.notices.undo(0);
    this.failure = null;
    this.strict = false;
  }

  /** How much was drawn and is to be published; {@linkcode rewind} goes back there. */
  mark(): { readonly draws: number; readonly notices: number } {
    return { draws: this.#draws, notices: this.notices.length };
  }

  /** Makes what came after `mark` come again. */
  rewind({ draws, notices }: ReturnType<EntryContext["mark"]>): void {
    this.notices.undo(notices);
    if (draws === this.#draws) return;
    this.#random = null;
    this.#draws = 0;
    while (this.#draws < draws) this.uint32();
  }

  /** The next 32 bits. */
  uint32(): number {
    this.#draws++;
    this.#random ??= new EntryRandom(...this.#seed);
    return this.#random.uint32();
  }

  /** The entry's time as `YYYY-MM-DD HH:MM:SS.mmm`. */
  get now(): string {
    this.#iso ??= new Date(this.#timeMs).toISOString().slice(0, 23)
      .replace("T", " ");
    return this.#iso;
  }
}
