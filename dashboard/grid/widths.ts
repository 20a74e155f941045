/** Px of a character, and of what stands around it. */
const CHARACTER = 7.4;
const AROUND = 26;
const WIDTH_MIN = 72;
const WIDTH_MAX = 340;

/** The width of a column by its name and some of its texts, px. */
export function columnWidth(name: string, texts: readonly string[]): number {
  // One long text must not make a column wide: most of them fit.
  const lengths = texts.map((text) => text.length).sort((a, b) => a - b);
  const most = lengths[Math.floor(lengths.length * 0.9)] ?? 0;
  const wide = Math.max(name.length + 2, most) * CHARACTER + AROUND;
  return Math.round(Math.min(WIDTH_MAX, Math.max(WIDTH_MIN, wide)));
}
