/**
 * Whether `fetch` failed since nobody listens there: Deno says so in words, Node
 * and Bun with a code. Browsers do not tell.
 */
export function isRefused(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ((cause as { code?: unknown }).code === "ECONNREFUSED") return true;
    if (/client error \(Connect\).*\brefused\b/.test(cause.message)) {
      return true;
    }
  }
  return false;
}
