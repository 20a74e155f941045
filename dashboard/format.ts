import { signal } from "@preact/signals";

const INTEGER = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
const DECIMAL = new Intl.NumberFormat("en-GB", {
  minimumFractionDigits: 1,
  maximumFractionDigits: 1,
});
const UNITS = ["B", "kB", "MB", "GB", "TB", "PB"];
const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Times are shown in UTC instead of the browser's zone. */
export const inUtc = signal(false);

/** 18204113 → `18,204,113`; what is not known → `–`. */
export function formatInteger(value: number | null | undefined): string {
  return value === null || value === undefined ? "–" : INTEGER.format(value);
}

/** 0.6 → `0.6`, 412.3 → `412`. */
export function formatRate(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return Math.abs(value) < 10 && !Number.isInteger(value)
    ? DECIMAL.format(value)
    : INTEGER.format(value);
}

/** 1300000000 → `1.3 GB`: powers of 1000, as disks are sold. */
export function formatBytes(bytes: number | null | undefined): string {
  if (bytes === null || bytes === undefined) return "–";
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000;
    unit++;
  }
  const number = unit === 0 || value >= 99.95
    ? INTEGER.format(value)
    : DECIMAL.format(value);
  return `${number} ${UNITS[unit]}`;
}

/** How long something took: `0.4 ms`, `8.1 ms`, `1.2 s`. */
export function formatMs(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  if (ms >= 10 * SECOND) return formatDuration(ms);
  if (ms >= 999.5) return `${DECIMAL.format(ms / SECOND)} s`;
  return `${ms < 99.95 ? DECIMAL.format(ms) : INTEGER.format(ms)} ms`;
}

/** How long something has been so: `12 s`, `4 min`, `4 d 2 h`. */
export function formatDuration(ms: number | null | undefined): string {
  if (ms === null || ms === undefined) return "–";
  const seconds = Math.max(0, Math.floor(ms / SECOND));
  if (ms < MINUTE) return `${seconds} s`;
  if (ms < HOUR) return `${Math.floor(ms / MINUTE)} min`;
  const parts = (large: number, small: number, names: [string, string]) => {
    const count = Math.floor(ms / large);
    const rest = Math.floor((ms % large) / small);
    return `${INTEGER.format(count)} ${names[0]}${
      rest === 0 ? "" : ` ${rest} ${names[1]}`
    }`;
  };
  return ms < DAY
    ? parts(HOUR, MINUTE, ["h", "min"])
    : parts(DAY, HOUR, ["d", "h"]);
}

/** `14:02:11`, in the zone that was chosen. */
export function formatTime(ms: number): string {
  return formatted(ms, {
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** `14:02`, in the zone that was chosen. */
export function formatClock(ms: number): string {
  return formatted(ms, { hour: "2-digit", minute: "2-digit" });
}

/** `26 Nov 2026, 14:02:11`, in the zone that was chosen. */
export function formatDateTime(ms: number): string {
  return formatted(ms, {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
    second: "2-digit",
  });
}

/** `14:02:11` of today, else with the date. */
export function formatMoment(ms: number, now: number): string {
  const day = (at: number): string =>
    formatted(at, { day: "numeric", month: "numeric", year: "numeric" });
  return day(ms) === day(now) ? formatTime(ms) : formatDateTime(ms);
}

function formatted(ms: number, options: Intl.DateTimeFormatOptions): string {
  return new Intl.DateTimeFormat("en-GB", {
    ...options,
    ...(inUtc.value ? { timeZone: "UTC" } : {}),
  }).format(ms);
}

/** `1 row`, `2 rows`. */
export function formatCount(
  count: number,
  one: string,
  many = `${one}s`,
): string {
  return `${INTEGER.format(count)} ${count === 1 ? one : many}`;
}
