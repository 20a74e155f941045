import { DIGEST_BYTES } from "../state/tokens/types.ts";

/** A token as it is sent: its id, then 32 random bytes in base64url. */
export const TOKEN_TEXT = /^hqt_([0-9a-f]{16})_[A-Za-z0-9_-]{43}$/;

const ID_BYTES = 8;
const SECRET_BYTES = 32;

/** A token that was drawn, and what may be known of it. */
export interface DrawnToken {
  readonly id: string;
  /** SHA-256 of {@linkcode token}. */
  readonly digest: Uint8Array;
  /** The secret: whoever has it is let in. */
  readonly token: string;
}

/** Draws a token. */
export async function drawToken(): Promise<DrawnToken> {
  const id = hexOf(crypto.getRandomValues(new Uint8Array(ID_BYTES)));
  const secret = crypto.getRandomValues(new Uint8Array(SECRET_BYTES));
  const token = `hqt_${id}_${base64urlOf(secret)}`;
  const bytes = new TextEncoder().encode(token);
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return { id, digest, token };
}

/** Bytes as hexadecimal digits. */
export function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0"))
    .join("");
}

/** The digest that hexadecimal digits tell; undefined if they tell none. */
export function digestOfHex(text: string): Uint8Array | undefined {
  if (!/^[0-9a-f]{64}$/.test(text)) return undefined;
  return Uint8Array.from(
    { length: DIGEST_BYTES },
    (_, at) => parseInt(text.slice(2 * at, 2 * at + 2), 16),
  );
}

/** Any JavaScript runtime can do this. */
function base64urlOf(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes)).replaceAll("+", "-")
    .replaceAll("/", "_").replace(/=+$/, "");
}
