import fc from "fast-check";

/** Bytes of which one to five are others, and every second time the end is missing. */
export function damaged(
  whole: fc.Arbitrary<Uint8Array>,
): fc.Arbitrary<Uint8Array> {
  return fc.tuple(
    whole,
    fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
    fc.nat(),
  ).map(([bytes, changes, cut]) => {
    const copy = bytes.slice();
    for (const [at, byte] of changes) copy[at % copy.length] = byte;
    return copy.subarray(0, cut % 2 === 0 ? copy.length : cut % copy.length);
  });
}
