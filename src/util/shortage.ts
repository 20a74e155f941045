/** What is said when a port accepts nothing for a moment. */
export function shortageText({ message }: Error): string {
  return `no connections are accepted for a moment: ${message}. If descriptors ran out, raise the limit (ulimit -n) or keep strangers away from the port`;
}
