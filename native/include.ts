// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** Prints what makes `deno compile` embed the library, if it was built. */
import { LIBRARY, LIBRARY_NAME } from "./library.ts";

try {
  await Deno.stat(LIBRARY);
  console.log(`--include dist/${LIBRARY_NAME}`);
} catch (error) {
  if (!(error instanceof Deno.errors.NotFound)) throw error;
}
