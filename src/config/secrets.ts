import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { HiqliteError } from "../errors.ts";
import { findDenied } from "../util/access.ts";
import { findExposed } from "../util/exposure.ts";
import { canBeSecret, SECRET_LENGTH_MIN } from "./secret_strength.ts";
import { replaceFile } from "../util/durable_file.ts";

/** Characters of a generated secret: 192 random bits in base64url. */
const RANDOM_BYTES = 24;

/** A new random secret: 32 characters, letters, digits, `-` and `_`. */
export function randomSecret(): string {
  return crypto.getRandomValues(new Uint8Array(RANDOM_BYTES))
    .toBase64({ alphabet: "base64url" });
}

/** Where a generated secret is kept. */
export function secretPath(
  dataDir: string,
  key: "secret_raft" | "secret_api",
): string {
  return join(dataDir, key);
}

/**
 * The secret kept in the data folder; made on the first call. The folder gets
 * mode 0700, the file 0600 and appears whole or not at all.
 *
 * @throws {HiqliteError} `storage` if the folder cannot be used or the file is damaged.
 */
export function keptSecret(
  key: "secret_raft" | "secret_api",
  dataDir: string,
): string {
  const path = secretPath(dataDir, key);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    refuseExposed(dataDir);
    return readKept(path) ?? create(path);
  } catch (cause) {
    if (cause instanceof HiqliteError) throw cause;
    const reason = findDenied(dataDir, [key]) ??
      (cause instanceof Error ? cause.message : cause);
    throw new HiqliteError(
      "storage",
      `cannot keep a generated secret in ${path}: ${reason}`,
      { cause },
    );
  }
}

/** A secret that somebody else may have put there is none. */
function refuseExposed(dataDir: string): void {
  const exposed = findExposed(dataDir);
  if (exposed === null || exposed.volume) return;
  throw new HiqliteError(
    "storage",
    `The data directory ${dataDir} cannot be used: ${exposed.problem}`,
  );
}

function readKept(path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "utf8").trim();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  if (canBeSecret(text)) return text;
  throw new HiqliteError(
    "storage",
    `${path} holds no secret (at least ${SECRET_LENGTH_MIN} characters); restore it, or delete it to get a new one`,
  );
}

function create(path: string): string {
  const secret = randomSecret();
  replaceFile(path, `${secret}\n`);
  return secret;
}
