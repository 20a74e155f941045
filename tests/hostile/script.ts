/** A part of what a connection does. */
export type Step =
  /** Sends these bytes, so often, with a pause after each time. */
  | {
    readonly kind: "send";
    readonly bytes: Uint8Array<ArrayBuffer>;
    readonly times: number;
    readonly everyMs: number;
  }
  /** Does nothing. */
  | { readonly kind: "wait"; readonly ms: number };

/** How a connection ends. */
export type Ending = "close" | "reset";

/** What one hostile client does: the same on each of its connections. */
export interface Script {
  /** Which production of the grammar it comes from. */
  readonly name: string;
  readonly port: "api" | "raft";
  /** Whether all of it goes through TLS, where the member speaks TLS; otherwise it is what comes in its place. */
  readonly sealed: boolean;
  /** Connections at the same time. */
  readonly connections: number;
  readonly steps: readonly Step[];
  /** Whether answers are read. */
  readonly reads: boolean;
  readonly ending: Ending;
  /** The last byte of the address that it comes from. */
  readonly from: number;
}

/** A step that sends. */
export function send(
  bytes: Uint8Array<ArrayBuffer> | string,
  times = 1,
  everyMs = 0,
): Step {
  return { kind: "send", bytes: bytesOf(bytes), times, everyMs };
}

/** A step that waits. */
export function wait(ms: number): Step {
  return { kind: "wait", ms };
}

/** A text as bytes, each character one of them. */
export function bytesOf(
  text: Uint8Array<ArrayBuffer> | string,
): Uint8Array<ArrayBuffer> {
  return typeof text === "string"
    ? Uint8Array.from(text, (character) => character.charCodeAt(0) & 255)
    : text;
}

/** How many bytes one connection of a script sends. */
export function bytesSent({ steps }: Script): number {
  return steps.reduce(
    (sum, step) =>
      step.kind === "send" ? sum + step.bytes.length * step.times : sum,
    0,
  );
}

/** How long one connection of a script takes at least, ms. */
export function lastsMs({ steps }: Script): number {
  return steps.reduce(
    (sum, step) =>
      sum + (step.kind === "send" ? step.everyMs * step.times : step.ms),
    0,
  );
}
