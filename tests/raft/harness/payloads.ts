/** Text as payload. */
export const bytes = (text: string): Uint8Array =>
  new TextEncoder().encode(text);

/** A payload as text. */
export const text = (payload: Uint8Array): string =>
  new TextDecoder().decode(payload);
