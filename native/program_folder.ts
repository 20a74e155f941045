/** Where the program lies in pieces, from the top. */
export const PROGRAM = "dist/program";

/** The piece that a module of `beginnings` became: what is bundled together keeps its folders. */
export function pieceOf(module: string): string {
  return `${PROGRAM}/${module.replace(/\.ts$/, ".js")}`;
}
