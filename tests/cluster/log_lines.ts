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
];

/** Lines of a log that show a defect, at most ten. */
export function suspiciousLines(log: string): string[] {
  return log.split("\n")
    .filter((line) => SUSPICIOUS.some((pattern) => pattern.test(line)))
    .slice(0, 10);
}
