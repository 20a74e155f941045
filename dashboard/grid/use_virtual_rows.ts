import type { RefObject } from "preact";
import { useLayoutEffect, useState } from "preact/hooks";

/** The height of a row and of the head, px. */
export const ROW_HEIGHT = 32;
/** Rows that are drawn beyond those in sight. */
const OVERSCAN = 8;

/** The rows that are drawn. */
export interface VirtualRows {
  /** The first of them, and the one behind the last. */
  readonly from: number;
  readonly to: number;
  /** Px of all rows and the head. */
  readonly height: number;
  /** Px above a row. */
  readonly topOf: (row: number) => number;
  /** Scrolls as little as brings a row into sight. */
  readonly show: (row: number) => void;
}

/** Of many rows of the same height, those that are in sight; the head stays above them. */
export function useVirtualRows(
  count: number,
  scroller: RefObject<HTMLElement | null>,
): VirtualRows {
  const [sight, setSight] = useState({ top: 0, height: 0 });
  useLayoutEffect(() => {
    const element = scroller.current!;
    const look = (): void => {
      const { scrollTop: top, clientHeight: height } = element;
      setSight((before) =>
        before.top === top && before.height === height
          ? before
          : { top, height }
      );
    };
    const resized = new ResizeObserver(look);
    resized.observe(element);
    element.addEventListener("scroll", look, { passive: true });
    look();
    return () => {
      resized.disconnect();
      element.removeEventListener("scroll", look);
    };
  }, []);
  const first = Math.floor(sight.top / ROW_HEIGHT);
  const inSight = Math.ceil(sight.height / ROW_HEIGHT);
  return {
    from: Math.max(0, Math.min(count, first - OVERSCAN)),
    to: Math.max(0, Math.min(count, first + inSight + OVERSCAN)),
    height: (count + 1) * ROW_HEIGHT,
    topOf: (row) => (row + 1) * ROW_HEIGHT,
    show: (row) => {
      const element = scroller.current;
      if (element === null) return;
      const top = row * ROW_HEIGHT;
      const lowest = top + 2 * ROW_HEIGHT - element.clientHeight;
      if (element.scrollTop > top) element.scrollTop = top;
      else if (element.scrollTop < lowest) element.scrollTop = lowest;
    },
  };
}
