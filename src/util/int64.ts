/** The largest signed 64-bit integer. */
export const INT64_MAX = 2n ** 63n - 1n;
/** The smallest one. */
export const INT64_MIN = -(2n ** 63n);

/** Whether an integer has a signed one of 64 bits. */
export function fitsInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}

/** Sixty-four bits as 16 hex digits. */
export function hexOfInt64(value: bigint): string {
  return BigInt.asUintN(64, value).toString(16).padStart(16, "0");
}

/** The bits that 16 hex digits stand for, as a signed integer. */
export function int64OfHex(hex: string): bigint {
  return BigInt.asIntN(64, BigInt(`0x${hex}`));
}
