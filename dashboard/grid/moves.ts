/** Which way a key moves in a grid. */
export interface Move {
  readonly rows: number;
  readonly columns: number;
}

/** How a key moves, or null. `page`: the rows in sight. */
export function keyMoves(
  event: {
    readonly key: string;
    readonly ctrlKey: boolean;
    readonly altKey: boolean;
    readonly metaKey: boolean;
  },
  page: number,
): Move | null {
  if (event.altKey || event.metaKey) return null;
  const by = (rows: number, columns: number): Move => ({ rows, columns });
  if (event.ctrlKey) {
    if (event.key === "Home") return by(-Infinity, -Infinity);
    return event.key === "End" ? by(Infinity, Infinity) : null;
  }
  switch (event.key) {
    case "ArrowUp":
      return by(-1, 0);
    case "ArrowDown":
      return by(1, 0);
    case "ArrowLeft":
      return by(0, -1);
    case "ArrowRight":
      return by(0, 1);
    case "PageUp":
      return by(-page, 0);
    case "PageDown":
      return by(page, 0);
    case "Home":
      return by(0, -Infinity);
    case "End":
      return by(0, Infinity);
    default:
      return null;
  }
}
