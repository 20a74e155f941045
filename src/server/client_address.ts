import { toldAddress } from "../front/told_address.ts";

/** How an application behind fronts knows from where requests come. */
export interface ClientAddresses {
  /** What fronts begin their header with. */
  readonly tag: string;
  /** From where a request comes; empty if its front did not say: it says it of the first request of a connection. */
  readonly of: (request: Request) => string;
}

/** With a tag that nobody else knows. */
export function clientAddresses(): ClientAddresses {
  const tag = crypto.getRandomValues(new Uint8Array(16)).toHex();
  return { tag, of: ({ headers }) => toldAddress(headers, tag) };
}
