/** A client of HTTP with its own authorities, as Deno makes it. */
export interface HttpClient {
  close(): void;
}

interface Deno {
  createHttpClient(
    options: { readonly caCerts: string[]; readonly http2: boolean },
  ): HttpClient;
}

/** What Deno offers beyond `fetch`; undefined in every other runtime. */
export const deno: Deno | undefined = (globalThis as { Deno?: Deno }).Deno;

/** Whether Node's own modules are there: in Node and Bun, not in browsers. */
export const hasNodeModules: boolean =
  (globalThis as { process?: { versions?: { node?: string } } }).process
    ?.versions?.node !== undefined;

/** A `fetch` that believes certain authorities, or everybody. */
export interface TrustedFetch {
  readonly fetch: typeof fetch;
  /** Lets go of its connections. */
  close(): void;
}
