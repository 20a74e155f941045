import { ConfigError } from "../errors.ts";

/** Why the address of the configuration's `key` cannot be listened on. */
export function listenError(
  key: string,
  address: string,
  cause: unknown,
): ConfigError {
  const error = new ConfigError(key, problemOf(cause as Error, address));
  error.cause = cause;
  return error;
}

/** `host:port`, IPv6 in brackets. */
export function addressText(hostname: string, port: number): string {
  return `${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
}

/** As {@linkcode addressText}, where this machine reaches it, also for a listener on all interfaces. */
export function localAddress(hostname: string, port: number): string {
  const host = hostname === "0.0.0.0" ? "127.0.0.1" : hostname;
  return addressText(host === "::" ? "::1" : host, port);
}

/** The name tells the kind, since an error from a Worker has no class. */
function problemOf({ name, message }: Error, address: string): string {
  if (name === "AddrInUse") {
    return `${address} is in use by another process; stop it, or change the port in nodes (HQL_NODES)`;
  }
  if (name === "AddrNotAvailable") {
    return `${address} is not an address of this machine`;
  }
  return `cannot listen on ${address}: ${message}`;
}
