import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** Where builds go. */
export const DIST: string = fileURLToPath(new URL("../dist", import.meta.url));

/** What a library is called on this system. */
export const LIBRARY_NAME: string = Deno.build.os === "darwin"
  ? "libsqlite3.dylib"
  : Deno.build.os === "windows"
  ? "sqlite3.dll"
  : "libsqlite3.so";

/** The library that `deno task sqlite` builds. */
export const LIBRARY: string = join(DIST, LIBRARY_NAME);
