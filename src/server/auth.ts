import { createHash, timingSafeEqual } from "node:crypto";
import { HiqliteError } from "../errors.ts";

/**
 * A check of the API secret, given as `X-API-SECRET` or `Authorization: Bearer`.
 * Takes the same time for every wrong secret: both sides are hashed first.
 */
export function secretCheck(secret: string): (headers: Headers) => void {
  const expected = digest(secret);
  return (headers) => {
    const given = headers.get("x-api-secret") ??
      /^Bearer +(\S+)$/i.exec(headers.get("authorization") ?? "")?.[1];
    if (given === undefined) {
      throw new HiqliteError(
        "unauthorized",
        "The API secret is missing; send it in the header X-API-SECRET, or as Authorization: Bearer",
      );
    }
    if (!timingSafeEqual(digest(given), expected)) {
      throw new HiqliteError("unauthorized", "The API secret is wrong");
    }
  };
}

function digest(text: string): Uint8Array {
  return createHash("sha256").update(text, "utf8").digest();
}
