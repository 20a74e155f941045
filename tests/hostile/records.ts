import { type Random, randomBetween } from "../../src/util/random.ts";
import { garbage, joined, mutated, oneOf } from "./draw.ts";
import { bytesOf } from "./script.ts";

/** A number of bytes that nobody means to send. */
function giant(random: Random): number {
  return oneOf(random, [
    0xffff_ffff,
    0x7fff_ffff,
    60 * 1024 * 1024,
    64 * 1024 * 1024 + 1,
    1024 * 1024,
  ]);
}

function u32(value: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value);
  return bytes;
}

/** The begin of TLS, well formed or, if it may be, not. */
export function clientHello(
  random: Random,
  mayBreak = true,
): Uint8Array<ArrayBuffer> {
  const extensions = joined(
    // TLS 1.3; X25519, and a share of it; signatures that there are.
    bytesOf("\x00\x2b\x00\x03\x02\x03\x04"),
    bytesOf("\x00\x0a\x00\x04\x00\x02\x00\x1d"),
    bytesOf("\x00\x33\x00\x26\x00\x24\x00\x1d\x00\x20"),
    garbage(random, 32),
    bytesOf("\x00\x0d\x00\x0a\x00\x08\x04\x03\x08\x04\x04\x01\x08\x07"),
  );
  const body = joined(
    bytesOf("\x03\x03"),
    garbage(random, 32),
    bytesOf("\x00\x00\x04\x13\x01\x13\x02\x01\x00"),
    new Uint8Array([extensions.length >> 8, extensions.length & 255]),
    extensions,
  );
  const message = joined(
    bytesOf("\x01\x00"),
    new Uint8Array([body.length >> 8, body.length & 255]),
    body,
  );
  const record = joined(
    bytesOf("\x16\x03\x01"),
    new Uint8Array([message.length >> 8, message.length & 255]),
    message,
  );
  const whole = !mayBreak || randomBetween(random, 0, 2) === 0;
  return whole ? record : mutated(random, record);
}

/** A record of TLS, of a type that there is or not, whose length is a lie or not: of nothing, of a little, or more than is allowed. */
export function tlsRecord(random: Random): Uint8Array<ArrayBuffer> {
  const type = oneOf(random, [20, 21, 22, 23, 24, 255]);
  const length = oneOf(random, [0, 0, 1, 2, 48, 1024, 2048]);
  const said = oneOf(random, [length, length, length, 16_641, 0xffff]);
  return joined(
    new Uint8Array([type, 3, oneOf(random, [1, 3]), said >> 8, said & 255]),
    garbage(random, length),
  );
}

/** Frames of a link: a length that is a lie, then less than that. */
export function linkFrames(random: Random): Uint8Array<ArrayBuffer> {
  const length = randomBetween(random, 0, 2000);
  const said = randomBetween(random, 0, 2) === 0 ? length : giant(random);
  const frame = joined(u32(said), garbage(random, length));
  return randomBetween(random, 0, 3) === 0 ? joined(frame, frame) : frame;
}

/** A frame of a WebSocket that announces far more than comes. */
export function webSocketFrame(random: Random): Uint8Array<ArrayBuffer> {
  const opcode = oneOf(random, [2, 2, 2, randomBetween(random, 0, 16)]);
  return joined(
    new Uint8Array([0x80 | opcode, 0xff]),
    u32(0),
    u32(giant(random)),
    garbage(random, 4),
    garbage(random, randomBetween(random, 0, 20_000)),
  );
}

/** Parts of a chunked body: sizes that are lies, and what is no size. */
export function chunks(random: Random): Uint8Array<ArrayBuffer> {
  const size = oneOf(random, [
    giant(random).toString(16),
    "ffffffffffffffff",
    "-1",
    "0x5",
    "5;x=y",
    "",
    "zz",
  ]);
  return joined(
    bytesOf(`${size}\r\n`),
    garbage(random, randomBetween(random, 0, 5000)),
  );
}
