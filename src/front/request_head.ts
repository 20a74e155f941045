/** What a connection on which HTTP/1.1 is spoken does at present. */
export type HttpPhase =
  /** The head of a request is awaited. */
  | "head"
  /** A request is under way. */
  | "busy"
  /** It was answered, in part at least, and nothing came since. */
  | "idle";

const CR = 13;
const LF = 10;
const FOUR = 0x34;
const FIVE = 0x35;
const LATIN1 = new TextDecoder("latin1");
const INTERIM = new TextEncoder().encode("HTTP/1.1 1");

/** What begins with this is looked at, bytes: a refusal's head is shorter. */
const REFUSAL_HEAD_BYTES = 1024;

/**
 * Whether bytes of an answer begin with a refusal that says that it is the last one (RFC 9112, section 9.6). The
 * server under the front says so, and then goes on with the connection.
 */
export function isLastAnswer(bytes: Uint8Array): boolean {
  // The first digit of the status.
  if (bytes[9] !== FOUR && bytes[9] !== FIVE) return false;
  const [head] = LATIN1.decode(bytes.subarray(0, REFUSAL_HEAD_BYTES))
    .split("\r\n\r\n", 1);
  return head!.startsWith("HTTP/1.1 ") &&
    /\r\nconnection: close(?:\r\n|$)/i.test(head!);
}

/**
 * Follows the heads of requests through a connection without understanding
 * them: a head begins with the connection, and with what comes after an answer;
 * it ends with an empty line. So half a head is told from a request that runs,
 * and from a connection that is kept for later.
 */
export class RequestHead {
  #phase: HttpPhase = "head";
  /** The last bytes of the head: how many of CR LF CR LF, or LF LF, are there. */
  #seen = 0;

  /** What the connection does at present. */
  get phase(): HttpPhase {
    return this.#phase;
  }

  /** Bytes came from the client. */
  received(bytes: Uint8Array): void {
    if (this.#phase === "busy") return;
    this.#phase = "head";
    for (const byte of bytes) {
      if (byte === LF) {
        this.#seen++;
        if (this.#seen === 2) {
          this.#phase = "busy";
          this.#seen = 0;
          return;
        }
      } else if (byte !== CR) this.#seen = 0;
    }
  }

  /** Bytes go to the client. */
  answered(bytes: Uint8Array): void {
    // "100 Continue" asks for the rest of a request.
    if (INTERIM.every((byte, at) => bytes[at] === byte)) return;
    this.#phase = "idle";
    this.#seen = 0;
  }
}
