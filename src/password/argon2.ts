import { timingSafeEqual } from "node:crypto";
import { argon2id } from "hash-wasm";
import { HiqliteError } from "../errors.ts";
import { formatPasswordHash, type PasswordHash } from "./password_hash.ts";

/** Longest password, bytes of UTF-8: hashing more is work for whoever sends it. */
export const PASSWORD_BYTES_MAX = 1024;

/** What a new hash costs: 32 MiB, twice, as Hiqlite's. */
const COST = { memoryKib: 32 * 1024, passes: 2, lanes: 2 };
const SALT_BYTES = 16;
const HASH_BYTES = 32;

/**
 * Hashes a password for `password_dashboard`, with a new salt. It occupies its
 * thread for 50 ms to a second: never call it on a member's main thread, whose
 * heartbeats would wait.
 *
 * @throws {HiqliteError} `invalid` if it is empty or over 1,024 bytes.
 */
export async function hashPassword(password: string): Promise<string> {
  const bytes = passwordBytes(password);
  if (bytes === undefined) {
    throw new HiqliteError(
      "invalid",
      `A password has 1 to ${PASSWORD_BYTES_MAX} bytes`,
    );
  }
  const salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES));
  const like = { ...COST, salt, hash: new Uint8Array(HASH_BYTES) };
  return formatPasswordHash({ ...like, hash: await argon2(bytes, like) });
}

/**
 * Whether a password is the one that was hashed; one that is empty or over 1,024
 * bytes is not, and is not hashed. It occupies its thread for as long as the
 * hash says: never call it on a member's main thread.
 */
export async function verifyPassword(
  password: string,
  known: PasswordHash,
): Promise<boolean> {
  const bytes = passwordBytes(password);
  if (bytes === undefined) return false;
  return timingSafeEqual(await argon2(bytes, known), known.hash);
}

function argon2(
  password: Uint8Array,
  { memoryKib, passes, lanes, salt, hash }: PasswordHash,
): Promise<Uint8Array<ArrayBuffer>> {
  return argon2id({
    password,
    salt,
    memorySize: memoryKib,
    iterations: passes,
    parallelism: lanes,
    hashLength: hash.length,
    outputType: "binary",
  }) as Promise<Uint8Array<ArrayBuffer>>;
}

/** Undefined if it is none. No text is encoded that is too long in any case. */
function passwordBytes(password: string): Uint8Array | undefined {
  if (password === "" || password.length > PASSWORD_BYTES_MAX) return undefined;
  const bytes = new TextEncoder().encode(password);
  return bytes.length > PASSWORD_BYTES_MAX ? undefined : bytes;
}
