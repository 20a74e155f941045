/** A name as SQLite compares it: of the letters only those of ASCII are folded. */
export function foldName(name: string): string {
  return name.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
