import { startTimer } from "../util/timers.ts";

/** A body's bytes, as they are asked for. */
export type ByteSource = ReadableStreamDefaultReader<Uint8Array>;

/**
 * Whole lines of a body as they come, without their ends; what comes after the last end is dropped. It is asked for
 * more only when its lines are taken, and given up if then nothing comes for `silenceMs`.
 * @throws what reading throws.
 */
export async function* textLines(
  source: ByteSource,
  silenceMs: number,
): AsyncGenerator<readonly string[], undefined, undefined> {
  const decoder = new TextDecoder();
  let pieces: string[] = [];
  try {
    for (;;) {
      const timer = startTimer(() => giveUp(source), silenceMs);
      const { done, value } = await source.read()
        .finally(() => clearTimeout(timer));
      if (done) return;
      const lines = decoder.decode(value, { stream: true }).split("\n");
      // A line that is longer than many chunks is joined once.
      pieces.push(lines[0]!);
      if (lines.length === 1) continue;
      lines[0] = pieces.join("");
      pieces = [lines.pop()!];
      yield lines;
    }
  } finally {
    giveUp(source);
  }
}

/** Ends a body, whose present read then finds its end. The signal of its `fetch` alone would not, once its Response was collected. */
export function giveUp(source: ByteSource): void {
  source.cancel().catch(() => {});
}
