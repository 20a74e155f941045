import { MalformedBytesError } from "../util/bytes.ts";

/** The longest head of a request or an answer that is read, bytes. */
export const HEAD_BYTES_MAX = 4096;

/** What a request for a link upgrades to. */
export const LINK_UPGRADE = "hiqlite-link";

/** The path of a request for a link. */
export const LINK_PATH = "/stream";

/** The first byte of a TLS connection (a handshake record), and of its refusal (an alert). */
const TLS_RECORDS: readonly number[] = [0x16, 0x15];

const END = [13, 10, 13, 10];

/** Thrown for bytes of TLS where a plain head should be. */
export class UnexpectedTlsError extends Error {
  override readonly name = "UnexpectedTlsError";
}

/** The head of an HTTP/1 message. */
export interface HttpHead {
  /** Its first line. */
  readonly line: string;
  /** By lower-case name; of a name that stands there twice, the last. */
  readonly headers: ReadonlyMap<string, string>;
  /** What came after the head. */
  readonly rest: Uint8Array;
}

/**
 * Reads a head of at most {@linkcode HEAD_BYTES_MAX} bytes, and no more than that
 * many; null if the connection ended before there was one.
 * @throws {MalformedBytesError} if it is longer, or none.
 * @throws {UnexpectedTlsError} if the other side speaks TLS.
 */
export async function readHead(
  connection: Pick<Deno.Conn, "read">,
): Promise<HttpHead | null> {
  const buffer = new Uint8Array(HEAD_BYTES_MAX);
  let length = 0;
  for (;;) {
    const count = await connection.read(buffer.subarray(length));
    if (count === null) return null;
    const from = Math.max(0, length - END.length + 1);
    length += count;
    checkBeginning(buffer[0]!);
    const end = endOf(buffer, from, length);
    if (end !== undefined) return parse(buffer, end, length);
    if (length === HEAD_BYTES_MAX) {
      throw new MalformedBytesError(
        `a head has at most ${HEAD_BYTES_MAX} bytes`,
      );
    }
  }
}

/** Both a method and `HTTP/1.1` begin with a capital letter: nobody waits for more of something else. */
function checkBeginning(first: number): void {
  if (TLS_RECORDS.includes(first)) {
    throw new UnexpectedTlsError("the other side speaks TLS");
  }
  if (first < 0x41 || first > 0x5a) {
    throw new MalformedBytesError("not a head of HTTP");
  }
}

/** Where the head ends, its empty line included. */
function endOf(
  bytes: Uint8Array,
  from: number,
  length: number,
): number | undefined {
  for (let at = from; at + END.length <= length; at++) {
    if (END.every((byte, i) => bytes[at + i] === byte)) return at + END.length;
  }
  return undefined;
}

function parse(bytes: Uint8Array, end: number, length: number): HttpHead {
  const text = String.fromCharCode(...bytes.subarray(0, end - END.length));
  if (!/^[\t\r\n -~\u0080-\u00ff]*$/.test(text)) {
    throw new MalformedBytesError("control characters in a head");
  }
  const [line, ...fields] = text.split("\r\n");
  const headers = new Map<string, string>();
  for (const field of fields) {
    const match = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([^\r\n]*?)[ \t]*$/.exec(field);
    if (match === null) throw new MalformedBytesError("not a header field");
    headers.set(match[1]!.toLowerCase(), match[2]!);
  }
  return { line: line!, headers, rest: bytes.slice(end, length) };
}

/** The request for a link with whoever listens at `address`. */
export function linkRequest(address: string): Uint8Array {
  return ascii(
    `GET ${LINK_PATH} HTTP/1.1\r\nHost: ${address}\r\nConnection: Upgrade\r\nUpgrade: ${LINK_UPGRADE}\r\n\r\n`,
  );
}

/** Grants a request for a link: everything after it is frames. */
export const LINK_GRANTED: Uint8Array = ascii(
  `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${LINK_UPGRADE}\r\n\r\n`,
);

/** A whole answer, after which the connection ends. */
export interface PlainAnswer {
  readonly status: number;
  /** Its media type. */
  readonly type: string;
  readonly body: string;
}

/** An answer as bytes. */
export function encodePlainAnswer(
  { status, type, body }: PlainAnswer,
): Uint8Array {
  const bytes = new TextEncoder().encode(body);
  const head = ascii(
    `HTTP/1.1 ${status} ${
      REASONS[status] ?? "Answer"
    }\r\nContent-Type: ${type}\r\n` +
      `Content-Length: ${bytes.length}\r\nConnection: close\r\n\r\n`,
  );
  const answer = new Uint8Array(head.length + bytes.length);
  answer.set(head);
  answer.set(bytes, head.length);
  return answer;
}

const REASONS: Readonly<Record<number, string>> = {
  200: "OK",
  400: "Bad Request",
  403: "Forbidden",
  503: "Service Unavailable",
};

function ascii(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
