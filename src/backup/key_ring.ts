import { hkdfSync } from "node:crypto";

/** A key as `ENC_KEYS` has it. */
export interface EncryptionKey {
  /** 2 to 20 letters, digits, `:`, `_` or `-`. */
  readonly id: string;
  /** 32 bytes. */
  readonly key: Uint8Array;
}

/** Bytes of a key. */
export const BACKUP_KEY_BYTES = 32;

/** Ids that cryptr can read back. */
const ID = /^[a-zA-Z0-9:_-]{2,20}$/;

/** Whether objects may carry it in their header. */
export function isKeyId(id: string): boolean {
  return ID.test(id);
}

/** Reads `id/base64`; undefined if it is no such line. The id ends at the first slash. */
export function parseKeyLine(line: string): EncryptionKey | undefined {
  const slash = line.indexOf("/");
  const id = line.slice(0, Math.max(0, slash));
  if (!isKeyId(id)) return undefined;
  let key: Uint8Array;
  try {
    key = Uint8Array.fromBase64(line.slice(slash + 1));
  } catch {
    return undefined;
  }
  return key.length === BACKUP_KEY_BYTES ? { id, key } : undefined;
}

/** The keys of backups: what is new is sealed with the active one, what is there is opened with any. */
export class KeyRing {
  readonly #keys: ReadonlyMap<string, Uint8Array>;
  /** The id of the key for what is new. */
  readonly active: string;

  /** `active` must be the id of one of the keys. */
  constructor(keys: readonly EncryptionKey[], active: string) {
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
    if (!this.#keys.has(active)) {
      throw new RangeError(`The active key ${active} is not in the ring`);
    }
    this.active = active;
  }

  /** The ids of all keys. */
  get ids(): readonly string[] {
    return [...this.#keys.keys()];
  }

  /**
   * A key by its id, or what is derived from it for `purpose`. Purposes keep
   * the nonces of many small objects apart. Undefined if there is none of that id.
   */
  keyOf(id: string, purpose?: string): Uint8Array | undefined {
    const key = this.#keys.get(id);
    if (key === undefined || purpose === undefined) return key;
    return new Uint8Array(
      hkdfSync("sha256", key, "", purpose, BACKUP_KEY_BYTES),
    );
  }
}
