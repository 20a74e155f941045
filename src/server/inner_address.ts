import { mkdirSync } from "node:fs";
import { join, resolve } from "node:path";
import type { InnerAddress } from "../front/protocol.ts";

/** What systems allow for the path of a socket, bytes. */
const PATH_BYTES_MAX = 103;
/** Any free port that only this machine reaches. */
const ANY_PORT: InnerAddress = { hostname: "127.0.0.1", port: 0 };

/**
 * Where the API's server listens, which has a front: a socket in the data folder, which
 * only this user reaches; where that cannot be (Windows, a long path), a port
 * of this machine.
 */
export function innerAddress(dataDir: string): InnerAddress {
  const folder = resolve(dataDir, "run");
  const path = join(folder, "api.sock");
  const bytes = new TextEncoder().encode(path).length;
  if (Deno.build.os === "windows" || bytes > PATH_BYTES_MAX) return ANY_PORT;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return { path };
}

/** Opens a server at an inner address; without the permission to use a socket (`--allow-net=unix:<path>`), at a port of this machine. */
export function openInner<Server>(
  address: InnerAddress,
  open: (address: InnerAddress) => Server,
): Server {
  try {
    return open(address);
  } catch (error) {
    const denied = error instanceof Deno.errors.NotCapable;
    if (!denied || !("path" in address)) throw error;
    return open(ANY_PORT);
  }
}
