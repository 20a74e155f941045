import type { HiqliteError } from "../../errors.ts";

/** Bytes on their way to a browser. */
export interface ByteStream {
  readonly bytes: ReadableStream<Uint8Array>;
  /** Calls what it is given once the browser may have no more, until the returned function is called. */
  lasts(end: (why: HiqliteError) => void): () => void;
  /** How long the browser may take nothing, ms. */
  readonly stallMs: number;
  /** Called once, when nothing more is read. */
  ended(): void;
}

/**
 * Passes bytes on as they are taken. Breaks off when the session is over or the browser takes nothing for too long: a
 * file of which the length was told is then known to be cut.
 */
export function byteStream(
  { bytes, lasts, stallMs, ended }: ByteStream,
): ReadableStream<Uint8Array> {
  const reader = bytes.getReader();
  let stall: ReturnType<typeof setTimeout> | undefined;
  let unwatch = (): void => {};
  let isOver = false;
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    clearTimeout(stall);
    unwatch();
    ended();
  };
  const giveUp = (why: unknown): Promise<void> => {
    end();
    // It may have failed by itself.
    return reader.cancel(why).catch(() => {});
  };
  let breakOff = (_why: Error): void => {};
  const waitForTaker = (): void => {
    stall = setTimeout(
      () => breakOff(new Error("The browser takes nothing any more")),
      stallMs,
    );
  };
  return new ReadableStream({
    start(controller) {
      breakOff = (why) => {
        controller.error(why);
        void giveUp(why);
      };
      unwatch = lasts(breakOff);
      waitForTaker();
    },
    async pull(controller) {
      clearTimeout(stall);
      try {
        const { value, done } = await reader.read();
        if (isOver) return;
        if (!done) {
          controller.enqueue(value);
          return waitForTaker();
        }
        end();
        controller.close();
      } catch (error) {
        end();
        controller.error(error);
      }
    },
    cancel: giveUp,
  }, { highWaterMark: 0 });
}
