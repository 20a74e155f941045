import type { ByteReader } from "../../../util/bytes.ts";
import type { Served } from "../thread/answers.ts";
import { peekMaxRun } from "../../envelope.ts";
import type { ChildEnd } from "../thread/child_frames.ts";
import { type RunProgress, WriterRequests } from "./writer_worker.ts";

/** How long a command may have run before the member hears of its place, ms. */
const TELL_MS = 20;

/** The writer in a process of its own; `opening` is its options as JSON. */
export function serveWriter(opening: ByteReader, end: ChildEnd): Served {
  const options = JSON.parse(opening.text());
  return new WriterRequests(options, end, new ToldProgress(end));
}

/** Tells the member now and then where a preparation is: each message costs as much as a small command. */
class ToldProgress implements RunProgress {
  readonly #end: ChildEnd;
  #toldAt = 0;
  #maxRunMs = 0;

  constructor(end: ChildEnd) {
    this.#end = end;
  }

  /** At once if it may run for another time than those before it, which the member goes by. */
  begins(at: number, payload: Uint8Array): void {
    const now = performance.now();
    const maxRunMs = peekMaxRun(payload);
    const due = maxRunMs !== this.#maxRunMs || now - this.#toldAt >= TELL_MS;
    this.#maxRunMs = maxRunMs;
    // The member takes the first one for granted.
    if (at > 0 && !due) return;
    if (at > 0) this.#end.progress(at);
    this.#toldAt = now;
  }
}
