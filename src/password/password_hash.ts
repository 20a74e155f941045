/** An argon2id hash of a password, as its parts. */
export interface PasswordHash {
  /** Memory that a check takes, KiB: 8 for each lane … 1,048,576. */
  readonly memoryKib: number;
  /** Passes over it, 1 … 10. */
  readonly passes: number;
  /** Lanes, 1 … 16. */
  readonly lanes: number;
  /** 8 … 64 bytes. */
  readonly salt: Uint8Array<ArrayBuffer>;
  /** 16 … 64 bytes. */
  readonly hash: Uint8Array<ArrayBuffer>;
}

/** A check of a hash that somebody else configured may take no more than this, KiB: 1 GiB. */
const MEMORY_KIB_MAX = 1024 * 1024;
const PASSES_MAX = 10;
const LANES_MAX = 16;

/** Whoever steals a hash of less tries too many passwords a second (OWASP's least). */
const MEMORY_KIB_ADVISED = 19_456;
const PASSES_ADVISED = 2;

/** What {@linkcode parsePasswordHash} takes, for messages. */
export const PASSWORD_HASH_EXPECTS: string =
  `the base64 of an argon2id hash ($argon2id$v=19$m=…,t=…,p=…), m up to ${MEMORY_KIB_MAX}, t up to ${PASSES_MAX}, p up to ${LANES_MAX} (hiqlite password makes one)`;

/**
 * Reads what Hiqlite calls a password: the base64 of a hash in PHC's format,
 * line breaks and spaces around and in it ignored. Undefined if it is something
 * else, or a check of it would take more than a member shall spend.
 */
export function parsePasswordHash(text: string): PasswordHash | undefined {
  const fields =
    /^\$argon2id\$v=19\$m=(\d{1,7}),t=(\d{1,2}),p=(\d{1,2})\$([A-Za-z\d+/]+)\$([A-Za-z\d+/]+)$/
      .exec(decoded(text));
  if (fields === null) return undefined;
  const [memoryKib, passes, lanes] = fields.slice(1, 4).map(Number) as [
    number,
    number,
    number,
  ];
  const salt = bytesOf(fields[4]!, 8);
  const hash = bytesOf(fields[5]!, 16);
  const allowed = lanes >= 1 && lanes <= LANES_MAX &&
    passes >= 1 && passes <= PASSES_MAX &&
    memoryKib >= 8 * lanes && memoryKib <= MEMORY_KIB_MAX;
  if (!allowed || salt === undefined || hash === undefined) return undefined;
  return { memoryKib, passes, lanes, salt, hash };
}

/** The text that {@linkcode parsePasswordHash} reads. */
export function formatPasswordHash(
  { memoryKib, passes, lanes, salt, hash }: PasswordHash,
): string {
  const [saltText, hashText] = [salt, hash].map((bytes) =>
    bytes.toBase64({ omitPadding: true })
  );
  return btoa(
    `$argon2id$v=19$m=${memoryKib},t=${passes},p=${lanes}$${saltText}$${hashText}`,
  );
}

/** Whether trying passwords on the hash is cheap: less work than 19 MiB twice. */
export function isCheapToGuess({ memoryKib, passes }: PasswordHash): boolean {
  return memoryKib * passes < MEMORY_KIB_ADVISED * PASSES_ADVISED;
}

function decoded(text: string): string {
  try {
    return atob(text);
  } catch {
    return "";
  }
}

function bytesOf(
  base64: string,
  least: number,
): Uint8Array<ArrayBuffer> | undefined {
  try {
    const bytes = Uint8Array.fromBase64(base64);
    return bytes.length >= least && bytes.length <= 64 ? bytes : undefined;
  } catch {
    return undefined;
  }
}
