import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LIBRARY_NAME } from "../src/state/sqlite/driver/embedded_library.ts";

/** Where builds go. */
export const DIST: string = fileURLToPath(new URL("../dist", import.meta.url));

/** The library that `deno task sqlite` builds. */
export const LIBRARY: string = join(DIST, LIBRARY_NAME);
