import { PROXIED_HEADER, ProxiedAddresses } from "./proxied_address.ts";
import { toldAddress } from "../front/told_address.ts";
import { systemClock } from "../util/clock.ts";
import { isThisMachine } from "./this_machine.ts";

/** How an application behind fronts and proxies knows from where requests come. */
export interface ClientAddresses {
  /** What fronts begin their header with. */
  readonly tag: string;
  /** From where a request comes; empty if its front did not say: it says it of the first request of a connection. */
  readonly of: (request: Pick<Request, "headers">) => string;
}

/** What stands for all addresses by which a proxy's machine reaches it: whoever is there has each of them, and is not here. */
export const PROXY_MACHINE = "the proxy's machine";

/** With a tag that nobody else knows. Proxies prove by one of the `secrets` that they are some. */
export function clientAddresses(
  secrets: readonly string[],
  now: () => number = systemClock.wall,
): ClientAddresses {
  const tag = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const proxied = new ProxiedAddresses(secrets);
  return {
    tag,
    of: ({ headers }) => {
      const told = headers.get(PROXIED_HEADER);
      const address = told === null ? "" : proxied.read(told, now());
      if (address === "") return toldAddress(headers, tag);
      return isThisMachine(address) ? PROXY_MACHINE : address;
    },
  };
}
