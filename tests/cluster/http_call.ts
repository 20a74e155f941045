import { type Agent, type IncomingMessage, request } from "node:http";

/** One request. */
export interface HttpCall {
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly agent: Agent;
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
 * Sends a request once. `fetch` cannot be used: it repeats a POST by itself when the connection
 * breaks before the answer, so that a refused connection does not show that nothing was sent.
 * @throws {HttpCallError}
 */
export function httpCall(
  call: HttpCall,
): Promise<{ readonly status: number; readonly text: string }> {
  const { url, method, headers, body = "", timeoutMs, agent } = call;
  const { promise, resolve, reject } = Promise.withResolvers<
    { status: number; text: string }
  >();
  let unsent = true;
  const fail = (error: Error): void =>
    reject(new HttpCallError(error.message, unsent));
  const length = `${new TextEncoder().encode(body).length}`;
  const outgoing = request(url, {
    method,
    headers: { ...headers, "content-length": length },
    agent,
  });
  const timer = setTimeout(
    () => outgoing.destroy(new Error(`waited ${timeoutMs} ms`)),
    timeoutMs,
  );
  outgoing.on("socket", (socket) => {
    if (!socket.connecting) unsent = false;
    else socket.once("connect", () => unsent = false);
  });
  outgoing.on("error", fail);
  outgoing.on("response", (response) => {
    textOf(response).then(
      (text) => resolve({ status: response.statusCode!, text }),
      fail,
    );
  });
  outgoing.end(body);
  return promise.finally(() => clearTimeout(timer));
}

async function textOf(response: IncomingMessage): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response) {
    text += decoder.decode(chunk, { stream: true });
  }
  if (!response.complete) throw new Error("the answer was cut off");
  return text + decoder.decode();
}
