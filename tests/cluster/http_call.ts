/** One request. */
export interface HttpCall {
  /** `http://host:port/path`, or `https:` */
  readonly url: string;
  /** The authority of a server that speaks TLS, in PEM. */
  readonly ca?: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
}

/** An answer. */
export interface HttpAnswer {
  readonly status: number;
  readonly text: string;
}

/** No answer came. */
export class HttpCallError extends Error {
  override readonly name = "HttpCallError";
  /** Whether there was no connection, so that the server cannot have seen anything. */
  readonly unsent: boolean;

  /** `reason` is what the system says. */
  constructor(reason: string, unsent: boolean) {
    super(unsent ? `not connected: ${reason}` : `no answer: ${reason}`);
    this.unsent = unsent;
  }
}

/**
 * Sends a request exactly once, on a connection of its own. Neither `fetch` nor `node:http`
 * can be used for histories: in Deno both repeat a POST by themselves in some cases (the
 * connection breaks before the answer; a request on a reused connection is given up), so that one call is two writes.
 * @throws {HttpCallError}
 */
export async function httpCall(call: HttpCall): Promise<HttpAnswer> {
  const deadline = AbortSignal.timeout(call.timeoutMs);
  const late = `waited ${call.timeoutMs} ms`;
  let connection: Deno.Conn;
  try {
    connection = await connected(call, deadline);
  } catch (error) {
    const reason = deadline.aborted ? late : (error as Error).message;
    throw new HttpCallError(reason, true);
  }
  const giveUp = (): void => connection.close();
  deadline.addEventListener("abort", giveUp, { once: true });
  try {
    await sendAll(connection, requestBytes(call));
    return parseAnswer(await readAll(connection));
  } catch (error) {
    const reason = deadline.aborted ? late : (error as Error).message;
    throw new HttpCallError(reason, false);
  } finally {
    deadline.removeEventListener("abort", giveUp);
    if (!deadline.aborted) connection.close();
  }
}

async function connected(
  { url, ca }: HttpCall,
  signal: AbortSignal,
): Promise<Deno.Conn> {
  const { protocol, hostname, port } = new URL(url);
  const plain = await Deno.connect({ hostname, port: Number(port), signal });
  if (protocol === "http:") return plain;
  const sealed = await Deno.startTls(plain, {
    hostname,
    caCerts: ca === undefined ? [] : [ca],
  });
  const giveUp = (): void => sealed.close();
  signal.addEventListener("abort", giveUp, { once: true });
  try {
    // Before it is over nothing was asked.
    await sealed.handshake();
    return sealed;
  } catch (error) {
    if (!signal.aborted) sealed.close();
    throw error;
  } finally {
    signal.removeEventListener("abort", giveUp);
  }
}

/** HTTP/1.0, so that the answer ends with the connection. */
function requestBytes(call: HttpCall): Uint8Array {
  const { url, method, headers, body = "" } = call;
  const { host, pathname, search } = new URL(url);
  const length = new TextEncoder().encode(body).length;
  const lines = [
    `${method} ${pathname}${search} HTTP/1.0`,
    `host: ${host}`,
    `content-length: ${length}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
  ];
  return new TextEncoder().encode(`${lines.join("\r\n")}\r\n\r\n${body}`);
}

async function sendAll(
  connection: Deno.Conn,
  bytes: Uint8Array,
): Promise<void> {
  for (let sent = 0; sent < bytes.length;) {
    sent += await connection.write(bytes.subarray(sent));
  }
}

async function readAll(connection: Deno.Conn): Promise<Uint8Array> {
  let bytes = new Uint8Array(16 * 1024);
  for (let length = 0;;) {
    const read = await connection.read(bytes.subarray(length));
    if (read === null) return bytes.subarray(0, length);
    length += read;
    if (length < bytes.length) continue;
    const grown = new Uint8Array(bytes.length * 2);
    grown.set(bytes);
    bytes = grown;
  }
}

/** @throws {Error} for an answer that was cut off. */
function parseAnswer(bytes: Uint8Array): HttpAnswer {
  const head = new TextDecoder("latin1").decode(bytes);
  const end = head.indexOf("\r\n\r\n");
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (end < 0 || status === undefined) {
    throw new Error("the answer was cut off");
  }
  const length = /\r\ncontent-length: *(\d+)/i.exec(head.slice(0, end))?.[1];
  const body = bytes.subarray(end + 4);
  if (length !== undefined && Number(length) !== body.length) {
    throw new Error("the answer was cut off");
  }
  return { status: Number(status), text: new TextDecoder().decode(body) };
}
