const REASONS = {
  400: "Bad Request",
  431: "Request Header Fields Too Large",
} as const;

/** What a front answers itself, after which the connection ends. */
export function encodeLastAnswer(
  status: keyof typeof REASONS,
  message: string,
): Uint8Array<ArrayBuffer> {
  const body = `${message}\n`;
  const head = [
    `HTTP/1.1 ${status} ${REASONS[status]}`,
    "connection: close",
    "content-type: text/plain",
    `content-length: ${body.length}`,
  ];
  return new TextEncoder().encode(`${head.join("\r\n")}\r\n\r\n${body}`);
}
