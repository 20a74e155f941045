/** The lines of a table; all rows have as many cells as the first. Cells begin below one another, or where they are `numbers`, end so but for the first column. */
export function tableLines(
  rows: readonly (readonly string[])[],
  numbers = false,
): string[] {
  const widths = rows[0]!.map((_, column) =>
    Math.max(...rows.map((row) => row[column]!.length))
  );
  return rows.map((row) =>
    row.map((cell, column) =>
      numbers && column > 0
        ? cell.padStart(widths[column]!)
        : cell.padEnd(widths[column]!)
    ).join("  ").trimEnd()
  );
}
