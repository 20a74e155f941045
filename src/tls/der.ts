/** Distinguished Encoding Rules of ASN.1 (X.690), as much of them as a certificate needs. */

/** A value with its tag and its length. */
export function der(
  tag: number,
  ...content: readonly Uint8Array[]
): Uint8Array {
  const value = Buffer.concat(content);
  const { length } = value;
  const head = length < 0x80
    ? [length]
    : length < 0x100
    ? [0x81, length]
    : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...head), value]);
}

/** A sequence of values. */
export function sequence(...parts: readonly Uint8Array[]): Uint8Array {
  return der(0x30, ...parts);
}

/** A whole number that is not negative, its bytes in network order. */
export function integerOf(bytes: Uint8Array): Uint8Array {
  const first = bytes.findIndex((byte) => byte !== 0);
  const rest = first === -1 ? Uint8Array.of(0) : bytes.subarray(first);
  // A set highest bit would say that it is negative.
  return der(0x02, rest[0]! < 0x80 ? new Uint8Array() : Uint8Array.of(0), rest);
}

/** An object identifier: `2.5.29.17`. */
export function oid(dotted: string): Uint8Array {
  const [first, second, ...others] = dotted.split(".").map(Number);
  const bytes = [40 * first! + second!];
  for (const arc of others) {
    const digits = [arc & 0x7f];
    for (let rest = arc >> 7; rest > 0; rest >>= 7) {
      digits.unshift(0x80 | rest & 0x7f);
    }
    bytes.push(...digits);
  }
  return der(0x06, Uint8Array.from(bytes));
}

/** A text of UTF-8. */
export function utf8(text: string): Uint8Array {
  return der(0x0c, Buffer.from(text));
}

/** A bit string without unused bits. */
export function bits(bytes: Uint8Array): Uint8Array {
  return der(0x03, Uint8Array.of(0), bytes);
}

/** A point in time, to the second: with two digits of the year until 2049, as X.509 wants it. */
export function time(at: Date): Uint8Array {
  const digits = at.toISOString().replaceAll(/[-:T]|\.\d+/g, "");
  return at.getUTCFullYear() < 2050
    ? der(0x17, Buffer.from(digits.slice(2)))
    : der(0x18, Buffer.from(digits));
}
