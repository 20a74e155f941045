import type { JsonError } from "./error_body.ts";

/** A server-sent event. */
export interface ServerEvent {
  /** Its kind; "" if it only says where to go on from. */
  readonly event: string;
  /** Where to go on from after it; empty if it says nothing of that. */
  readonly id: string;
  readonly data: unknown;
}

/** The text of a server-sent event. */
export function serverEventText(
  event: string,
  data: unknown,
  id?: string,
): string {
  return `${id === undefined ? "" : `id: ${id}\n`}event: ${event}\ndata: ${
    JSON.stringify(data)
  }\n\n`;
}

/** The kind of the event that says why a stream ends; its data are those of a response that is an error. */
export const ERROR_EVENT = "hql:error";

/** The text of the last event of a stream that ends by an error. */
export function errorEventText({ code, message }: JsonError): string {
  return serverEventText(ERROR_EVENT, { error: { code, message } });
}

/** The text that only says where to go on from: browsers keep it, and tell nobody. */
export function bookmarkText(id: string): string {
  return `id: ${id}\n\n`;
}
