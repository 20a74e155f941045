/** The largest signed 64-bit integer. */
export const INT64_MAX = 2n ** 63n - 1n;
/** The smallest one. */
export const INT64_MIN = -(2n ** 63n);

/** Whether an integer has a signed one of 64 bits. */
export function fitsInt64(value: bigint): boolean {
  return value >= INT64_MIN && value <= INT64_MAX;
}
