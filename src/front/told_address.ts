import { joinedBytes } from "../util/bytes.ts";
import { ADDRESS_HEADER } from "./protocol.ts";

const LF = 10;
const REQUEST_LINE = /^[A-Z]+ \S+ HTTP\/1\.1\r?$/;

/**
 * The first bytes of a connection, with a header that tells from where it comes, as the first one of the request.
 * Bytes that do not begin with the whole first line of a request of HTTP/1.1 stay as they are, and nobody is told.
 */
export function withAddress(
  first: Uint8Array,
  tag: string,
  address: string,
): Uint8Array {
  const end = first.indexOf(LF);
  if (tag === "" || end < 0) return first;
  const line = new TextDecoder().decode(first.subarray(0, end));
  if (!REQUEST_LINE.test(line)) return first;
  const header = new TextEncoder().encode(
    `${ADDRESS_HEADER}: ${tag} ${address}\r\n`,
  );
  const parts = [first.subarray(0, end + 1), header, first.subarray(end + 1)];
  return joinedBytes(parts, first.length + header.length);
}

/** What a front with this tag told; empty if it told nothing. A header of the client's own comes behind it. */
export function toldAddress(headers: Headers, tag: string): string {
  const [told = ""] = (headers.get(ADDRESS_HEADER) ?? "").split(",");
  return tag !== "" && told.startsWith(`${tag} `)
    ? told.slice(tag.length + 1)
    : "";
}
