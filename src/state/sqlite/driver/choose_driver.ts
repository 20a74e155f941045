import { resolve } from "node:path";
import { ConfigError } from "../../../errors.ts";
import type { SqliteDriverSpec } from "./driver.ts";
import { embeddedLibrary, unpackLibrary } from "./embedded_library.ts";
import { openDriver } from "./open_driver.ts";

/** What the configuration asks for. */
export interface DriverWish {
  /** `auto`: a library if one is given or embedded and can be loaded, else `node:sqlite`. */
  readonly driver: "auto" | "node" | "ffi";
  /** Path of a library; empty for the embedded one. */
  readonly library: string;
  /** Where the embedded one is unpacked. */
  readonly folder: string;
  /** The embedded one. @default {embeddedLibrary()} */
  readonly embedded?: Uint8Array | null;
  /** Whether this process may load libraries. @default as its permissions say */
  readonly mayLoad?: boolean;
}

/** The driver of a member, and why it is not the one that `auto` prefers, or null. */
export interface ChosenDriver {
  readonly spec: SqliteDriverSpec;
  readonly notice: string | null;
}

const NODE: SqliteDriverSpec = { kind: "node" };

/**
 * Chooses a driver that works; the file system is touched only to unpack the embedded library.
 * @throws {ConfigError} naming `sqlite_lib` if a given library cannot be loaded, `sqlite_driver` if there is none and `ffi` is asked for.
 */
export function chooseDriver(wish: DriverWish): ChosenDriver {
  if (wish.driver === "node") return { spec: NODE, notice: null };
  if (wish.library !== "") return { spec: givenLibrary(wish), notice: null };
  const embedded = wish.embedded ?? embeddedLibrary();
  if (embedded === null) {
    if (wish.driver === "auto") return { spec: NODE, notice: null };
    throw new ConfigError(
      "sqlite_driver",
      "ffi needs a library, and none is embedded in this program: name one in sqlite_lib (deno task sqlite builds it)",
    );
  }
  try {
    requirePermission(wish);
    return { spec: loaded(unpackLibrary(embedded, wish.folder)), notice: null };
  } catch (error) {
    const { message } = error as Error;
    if (wish.driver === "ffi") throw new ConfigError("sqlite_driver", message);
    return { spec: NODE, notice: message };
  }
}

function givenLibrary(wish: DriverWish): SqliteDriverSpec {
  try {
    requirePermission(wish);
    // A bare name is looked for where the system keeps its libraries.
    const bare = !/[/\\]/.test(wish.library);
    return loaded(bare ? wish.library : resolve(wish.library));
  } catch (error) {
    throw new ConfigError("sqlite_lib", (error as Error).message);
  }
}

/** Of a list of libraries the runtime lets none use pointers, so that the permission has to be whole. */
function requirePermission({ mayLoad }: DriverWish): void {
  if (mayLoad ?? hasPermission()) return;
  throw new Error(
    "a library can only be loaded with --allow-ffi (without a list)",
  );
}

function hasPermission(): boolean {
  return Deno.permissions.querySync({ name: "ffi" }).state === "granted";
}

function loaded(library: string): SqliteDriverSpec {
  const spec = { kind: "ffi", library } as const;
  openDriver(spec);
  return spec;
}
