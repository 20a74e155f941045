const BYTE_UNITS = ["B", "kB", "MB", "GB", "TB"];

/** So many bytes in a few characters, with units of 1000. */
export function bytesText(bytes: number): string {
  let unit = 0;
  let amount = bytes;
  while (amount >= 999.5 && unit < BYTE_UNITS.length - 1) {
    amount /= 1000;
    unit++;
  }
  return `${unit === 0 ? amount : short(amount)} ${BYTE_UNITS[unit]}`;
}

/** So much time in a few characters: `0.4 ms`, `12 s`, `3 h 20 min`. */
export function durationText(ms: number): string {
  if (ms < 999.5) return `${short(ms)} ms`;
  const seconds = ms / 1000;
  if (seconds < 59.5) return `${short(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  if (minutes < 24 * 60) return parts(minutes, 60, "h", "min");
  return parts(Math.round(minutes / 60), 24, "d", "h");
}

function parts(
  amount: number,
  size: number,
  large: string,
  small: string,
): string {
  const rest = amount % size;
  const whole = `${Math.floor(amount / size)} ${large}`;
  return rest === 0 ? whole : `${whole} ${rest} ${small}`;
}

/** Two digits that count, more before the point. */
function short(amount: number): string {
  return amount >= 9.95 || amount === 0
    ? amount.toFixed(0)
    : amount.toFixed(amount < 0.095 ? 2 : 1);
}
