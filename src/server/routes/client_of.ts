import type { Access } from "../access.ts";

/** Whoever has the API secret. */
const SECRET_HOLDERS = "secret";

/** Who sends a request, as far as taking turns goes: its token, or all that have the API secret. */
export function clientOf(access: Access | null): string {
  return access?.token?.id ?? SECRET_HOLDERS;
}
