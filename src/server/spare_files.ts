/** Descriptors kept back for the member's own files: log segments, the database's files, pipes of readers. */
const COUNT = 24;
/** How often it is tried whether descriptors are left, ms. */
const PROBE_MS = 250;

/**
 * Descriptors kept back while connections come and go. When none is left for a
 * connection, the spare ones are given to the member's files: a log that cannot
 * open its next segment would end the member.
 */
export class SpareFiles {
  readonly #path: string;
  readonly #scarce: () => void;
  #files: Deno.FsFile[] = [];
  readonly #timer: ReturnType<typeof setInterval>;

  /** Opens `path`, anything readable, again and again; `scarce` is told when there was no descriptor for it. */
  constructor(path: string, scarce: () => void) {
    this.#path = path;
    this.#scarce = scarce;
    this.#fill();
    this.#timer = setInterval(() => this.#probe(), PROBE_MS);
  }

  /** How many are kept back now. */
  get kept(): number {
    return this.#files.length;
  }

  /** Gives them all to whoever needs them; they are taken back once there are enough. */
  release(): void {
    for (const file of this.#files.splice(0)) file.close();
  }

  /** Gives them back for good. */
  close(): void {
    clearInterval(this.#timer);
    this.release();
  }

  /** All or nothing: half a reserve would take what the files were given. */
  #fill(): boolean {
    try {
      while (this.#files.length < COUNT) {
        this.#files.push(Deno.openSync(this.#path));
      }
      return true;
    } catch {
      this.release();
      return false;
    }
  }

  #probe(): void {
    if (this.#files.length === 0) {
      this.#fill();
      return;
    }
    try {
      Deno.openSync(this.#path).close();
    } catch {
      this.release();
      this.#scarce();
    }
  }
}
