/** What no log of a healthy program holds, whatever happens around it. */
const SUSPICIOUS = [
  /\bAssertionError\b/,
  /\bUncaught\b/i,
  /\bunhandled\b/i,
  /\bTypeError\b/,
  /\bReferenceError\b/,
  /"level":"error"/,
  /\bunreachable\b/,
  /out of memory/i,
  /\bpanicked\b/,
  /cannot be preloaded/,
];

/** A member whose state is not that of the others. */
const DIVERGED = /has checksum \d+, that of/;

/** Lines of a log that show a defect, at most ten; where files are `damaged` on purpose states may differ. */
export function suspiciousLines(log: string, damaged: boolean): string[] {
  const patterns = damaged ? SUSPICIOUS : [...SUSPICIOUS, DIVERGED];
  return log.split("\n")
    .filter((line) => patterns.some((pattern) => pattern.test(line)))
    .slice(0, 10);
}
