import type { Channel } from "../tls/channel.ts";

/** The longest head of a connection's first request, bytes. */
export const FIRST_HEAD_BYTES_MAX = 64 * 1024;

const LATIN1 = new TextDecoder("latin1");
const CR = 13;
const LF = 10;
/** The room that a head gets first, bytes: most are shorter. */
const FIRST_BYTES = 2048;
/** Of a line that is not whole only so much is looked at, or who sends it byte by byte would be expensive. */
const BEGINNING_CHARS = 128;
/** A request line, or its beginning (RFC 9112, section 3), of HTTP/1 or the preface of HTTP/2. */
const LINE =
  /^[\w!#$%&'*+.^`|~-]{1,32}(?: [^\0-\x20\x7f]*(?: (?:H(?:T(?:T(?:P(?:\/(?:[12](?:\.[01]?)?)?)?)?)?)?)?\r?)?)?$/;
const WHOLE_LINE = / HTTP\/[12]\.[01]\r?$/;

/** What came is no request that this port takes. */
export class NoRequestError extends Error {
  override readonly name = "NoRequestError";

  /** Answered with `status` and the message. */
  constructor(readonly status: 400 | 431, message: string) {
    super(message);
  }
}

/**
 * Reads what comes first on a connection until it has the whole head of a
 * request, and answers it with what came behind it; null if the connection ended
 * before. So whoever sends garbage, or a head slowly, costs the server behind
 * the front nothing. `follow` is told each piece, and whether the head is whole
 * with it.
 * @throws {NoRequestError} for what is no head, or a longer one than
 * {@linkcode FIRST_HEAD_BYTES_MAX}.
 */
export async function firstHead(
  channel: Channel,
  follow: (bytes: Uint8Array) => boolean,
): Promise<Uint8Array | null> {
  let buffer = new Uint8Array(FIRST_BYTES);
  let length = 0;
  let line: string | null = "";
  for (;;) {
    if (length === FIRST_HEAD_BYTES_MAX) {
      const limit = `The head of a request has at most ${FIRST_HEAD_BYTES_MAX}`;
      throw new NoRequestError(431, `${limit} bytes`);
    }
    if (length === buffer.length) buffer = enlarged(buffer);
    const room = buffer.subarray(length);
    const count = await channel.read(room);
    if (count === null) return null;
    // Empty lines before a request are passed over (RFC 9112, section 2.2).
    const skipped = length === 0 ? emptyLines(room.subarray(0, count)) : 0;
    if (skipped > 0) room.copyWithin(0, skipped, count);
    const bytes = room.subarray(0, count - skipped);
    if (bytes.length === 0) continue;
    if (line !== null) line = checkedLine(line, bytes);
    length += bytes.length;
    if (follow(bytes)) return buffer.subarray(0, length);
  }
}

function enlarged(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(buffer.length * 2);
  larger.set(buffer);
  return larger;
}

function emptyLines(bytes: Uint8Array): number {
  const first = bytes.findIndex((byte) => byte !== CR && byte !== LF);
  return first < 0 ? bytes.length : first;
}

/** The first line as far as it came; null if it is whole. */
function checkedLine(line: string, bytes: Uint8Array): string | null {
  const end = bytes.indexOf(LF);
  const more = LATIN1.decode(bytes.subarray(0, end < 0 ? bytes.length : end));
  const text = line + more;
  const known = end < 0
    ? line.length > BEGINNING_CHARS || LINE.test(text)
    : LINE.test(text) && WHOLE_LINE.test(text);
  if (!known) throw new NoRequestError(400, "This port speaks HTTP/1.1");
  return end < 0 ? text : null;
}
