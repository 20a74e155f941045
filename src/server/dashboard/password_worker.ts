/**
 * The Worker that checks passwords: that takes up to a second of its thread, and must not be the one that sends
 * heartbeats.
 *
 * @module
 */
import { verifyPassword } from "../../password/argon2.ts";
import { parsePasswordHash } from "../../password/password_hash.ts";
import type { PasswordQuestion } from "./password_question.ts";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<PasswordQuestion>) => void) | null;
  postMessage(place: number | null): void;
};

scope.onmessage = async ({ data: { password, hashes } }) => {
  for (const [place, hash] of hashes.entries()) {
    if (await verifyPassword(password, parsePasswordHash(hash)!)) {
      return scope.postMessage(place);
    }
  }
  scope.postMessage(null);
};
