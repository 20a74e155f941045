import { readFileSync, statSync } from "node:fs";
import { ConfigError } from "../errors.ts";
import {
  certificatesOf,
  type CheckedPair,
  checkPair,
  PairError,
} from "./pem_pair.ts";
import type { ListenerName } from "./authority.ts";

/** Where the key and the chain of a listener are. */
export interface PairFiles {
  readonly listener: ListenerName;
  /** Paths. */
  readonly key: string;
  readonly cert: string;
}

/** Reads the pair. @throws {ConfigError} naming the configuration key of the file that is wrong. */
export function readPair(files: PairFiles): CheckedPair {
  const pair = { key: read(files, "key"), chain: read(files, "cert") };
  try {
    return checkPair(pair);
  } catch (error) {
    if (!(error instanceof PairError)) throw error;
    const { part } = error;
    throw new ConfigError(
      keyOf(files, part),
      `${files[part]}: ${error.message}`,
    );
  }
}

/**
 * What changes when the files do: of what is behind symbolic links, which
 * Kubernetes swaps as a whole. Of a file that is not there, that.
 */
export function filesMark({ key, cert }: PairFiles): string {
  return [key, cert].map((path) => {
    const stat = statSync(path, { throwIfNoEntry: false });
    return stat === undefined
      ? "–"
      : `${stat.ino} ${stat.mtimeMs} ${stat.size}`;
  }).join(", ");
}

/** Reads a file of the configuration. @throws {ConfigError} */
export function readPem(key: string, path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch (cause) {
    throw new ConfigError(
      key,
      `cannot read ${path}: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}

/** Authorities in PEM from the file of a configuration key. @throws {ConfigError} if there are none. */
export function readAuthorities(key: string, path: string): string[] {
  try {
    return certificatesOf(readPem(key, path)).map(String);
  } catch (error) {
    if (!(error instanceof PairError)) throw error;
    throw new ConfigError(key, `${path}: ${error.message}`);
  }
}

function read(files: PairFiles, part: "key" | "cert"): string {
  return readPem(keyOf(files, part), files[part]);
}

function keyOf({ listener }: PairFiles, part: "key" | "cert"): string {
  return `tls_${listener}_${part}`;
}
