import {
  ByteReader,
  ByteWriter,
  MalformedBytesError,
  NO_BYTES,
} from "../util/bytes.ts";

/** The version of every frame this release writes, and the only one it reads. */
export const FRAME_VERSION = 1;

/** Bytes before the body of a frame: its kind and its version. */
export const FRAME_HEADER_BYTES = 2;

/** The longest method name of a request, bytes of UTF-8. */
export const METHOD_BYTES_MAX = 128;

/** What a frame carries: its first byte. Kinds can be added; old numbers are never reused. */
export const FrameKind = {
  /** A Raft message, see `raft_codec.ts`. */
  raft: 1,
  /** A {@linkcode RequestFrame}. */
  request: 2,
  /** A {@linkcode ResponseFrame}. */
  response: 3,
  /** A piece of a snapshot. */
  snapshotChunk: 4,
  /** Several frames of other kinds, each behind its length. */
  batch: 5,
} as const;

/** A frame written by a release that this one does not understand. */
export class UnsupportedVersionError extends Error {
  override readonly name = "UnsupportedVersionError";
  /** The version that was found. */
  readonly version: number;
  /** `what` was found in `version`. */
  constructor(what: string, version: number) {
    super(
      `${what} has version ${version}, this release understands version ${FRAME_VERSION}: run the same release on every member`,
    );
    this.version = version;
  }
}

/** An opened envelope. */
export interface Frame {
  /** One of {@linkcode FrameKind}, or a kind this release does not know. */
  readonly kind: number;
  /** A view into the frame. */
  readonly body: Uint8Array;
}

/** Asks a member to do something; answered by the {@linkcode ResponseFrame} with the same id. */
export interface RequestFrame {
  /** Chosen by the asking side, `0 … 2^32 - 1`. */
  readonly id: number;
  /** What to do; at most {@linkcode METHOD_BYTES_MAX} bytes. */
  readonly method: string;
  /** The arguments, encoded as the method says. */
  readonly body: Uint8Array;
}

/** Answers a {@linkcode RequestFrame}. */
export interface ResponseFrame {
  /** The id of the request. */
  readonly id: number;
  /** Whether `body` is a result; else it describes the error. */
  readonly ok: boolean;
  /** The result or the error, encoded as the method says. */
  readonly body: Uint8Array;
}

/** Puts a body into an envelope. */
export function encodeFrame(kind: number, body: Uint8Array): Uint8Array {
  const frame = new Uint8Array(FRAME_HEADER_BYTES + body.length);
  frame[0] = kind;
  frame[1] = FRAME_VERSION;
  frame.set(body, FRAME_HEADER_BYTES);
  return frame;
}

/**
 * Opens an envelope.
 * @throws {MalformedBytesError} if it is shorter than its header.
 * @throws {UnsupportedVersionError} if another release wrote it.
 */
export function decodeFrame(bytes: Uint8Array): Frame {
  const kind = bytes[0];
  const version = bytes[1];
  if (kind === undefined || version === undefined) {
    throw new MalformedBytesError(
      `a frame has at least ${FRAME_HEADER_BYTES} bytes, found ${bytes.length}`,
    );
  }
  if (version !== FRAME_VERSION) {
    throw new UnsupportedVersionError(`frame of kind ${kind}`, version);
  }
  return { kind, body: bytes.subarray(FRAME_HEADER_BYTES) };
}

/** Puts frames of other kinds into one, in their order. */
export function encodeBatch(frames: readonly Uint8Array[]): Uint8Array {
  let bytes = FRAME_HEADER_BYTES;
  for (const frame of frames) bytes += 4 + frame.length;
  const writer = new ByteWriter(bytes);
  writer.u8(FrameKind.batch).u8(FRAME_VERSION);
  for (const frame of frames) writer.bytes(frame);
  return writer.view();
}

/**
 * Takes the body of a batch apart; the frames are views into it.
 * @throws {MalformedBytesError} also if it contains another batch.
 */
export function decodeBatch(body: Uint8Array): Uint8Array[] {
  const reader = new ByteReader(body);
  const frames: Uint8Array[] = [];
  while (reader.remaining > 0) {
    const frame = reader.bytes();
    if (frame[0] === FrameKind.batch) {
      throw new MalformedBytesError("a batch within a batch");
    }
    frames.push(frame);
  }
  return frames;
}

/** Encodes a request with its envelope. */
export function encodeRequest(request: RequestFrame): Uint8Array {
  const writer = new ByteWriter(
    FRAME_HEADER_BYTES + 8 + 3 * request.method.length + request.body.length,
  );
  writer.u8(FrameKind.request).u8(FRAME_VERSION);
  return writer.u32(request.id).text(request.method).raw(request.body).view();
}

/**
 * Decodes the body of a request's envelope; `body` is a view into it.
 * @throws {MalformedBytesError}
 */
export function decodeRequest(body: Uint8Array): RequestFrame {
  const reader = new ByteReader(body);
  const id = reader.u32();
  const length = reader.u32();
  if (length > METHOD_BYTES_MAX) {
    throw new MalformedBytesError(
      `a method name has at most ${METHOD_BYTES_MAX} bytes, found ${length}`,
    );
  }
  const method = new ByteReader(body, reader.offset - 4).text();
  reader.raw(length);
  return { id, method, body: reader.raw(reader.remaining) };
}

/** Encodes a response with its envelope. */
export function encodeResponse(response: ResponseFrame): Uint8Array {
  const writer = new ByteWriter(FRAME_HEADER_BYTES + 5 + response.body.length);
  writer.u8(FrameKind.response).u8(FRAME_VERSION);
  return writer.u32(response.id).u8(response.ok ? 1 : 0).raw(response.body)
    .view();
}

/**
 * Decodes the body of a response's envelope; `body` is a view into it.
 * @throws {MalformedBytesError}
 */
export function decodeResponse(body: Uint8Array): ResponseFrame {
  const reader = new ByteReader(body);
  const id = reader.u32();
  const ok = reader.u8();
  if (ok > 1) throw new MalformedBytesError(`not a boolean: ${ok}`);
  const rest = reader.remaining === 0 ? NO_BYTES : reader.raw(reader.remaining);
  return { id, ok: ok === 1, body: rest };
}
