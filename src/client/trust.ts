import { HiqliteError } from "../errors.ts";
import {
  deno,
  hasNodeModules,
  type HttpClient,
  type TrustedFetch,
} from "./runtime.ts";

/** Whom a client believes. */
export interface TrustOptions {
  /** Base URLs. */
  readonly urls: readonly string[];
  readonly secret: string;
  /** Authorities in PEM. */
  readonly ca?: string | undefined;
  readonly dangerTlsNoVerify?: boolean | undefined;
}

/**
 * How members are reached. Over https they are verified before anything is
 * sent: by public authorities, and by those given, or else by the one that
 * follows from the secret, which issues automatic certificates.
 *
 * @throws {HiqliteError} `invalid` where this runtime cannot do what is asked.
 */
export function trustedFetch(options: TrustOptions): TrustedFetch {
  const { urls, secret, ca, dangerTlsNoVerify = false } = options;
  const plain = urls.find((url) => !url.startsWith("https:"));
  if (ca !== undefined) checkCa(ca, plain, dangerTlsNoVerify);
  if (dangerTlsNoVerify) return unverified();
  const platform = { fetch: globalThis.fetch.bind(globalThis), close() {} };
  if (urls.every((url) => !url.startsWith("https:"))) return platform;
  if (deno !== undefined) return verified(deno, secret, ca);
  if (hasNodeModules) return verifiedByNode(secret, ca);
  if (ca === undefined) return platform;
  throw new HiqliteError(
    "invalid",
    "ca: a browser believes those whom its user made it believe; or give a fetch of your own",
  );
}

function checkCa(ca: string, plain: string | undefined, danger: boolean): void {
  const problem = typeof ca !== "string" || !ca.includes("-----BEGIN CERT")
    ? "expected certificates in PEM"
    : danger
    ? "nothing is verified with dangerTlsNoVerify; give one of them"
    : plain !== undefined
    ? `${plain} is not https, so nobody would be verified`
    : null;
  if (problem !== null) throw new HiqliteError("invalid", `ca: ${problem}`);
}

/** HTTP/1.1: with HTTP/2 the runtime's large requests stall for 48 ms. */
function verified(
  runtime: NonNullable<typeof deno>,
  secret: string,
  ca: string | undefined,
): TrustedFetch {
  let opening: Promise<HttpClient> | undefined;
  let closed = false;
  const open = async (): Promise<HttpClient> => {
    const caCerts = [ca ?? await derivedAuthority(secret)];
    const client = runtime.createHttpClient({ caCerts, http2: false });
    if (closed) client.close();
    return client;
  };
  return {
    fetch: async (input, init) => {
      const client = await (opening ??= open());
      const extended: RequestInit & { client: HttpClient } = {
        ...init,
        client,
      };
      return await fetch(input, extended);
    },
    close() {
      closed = true;
      opening?.then((client) => client.close(), () => {});
    },
  };
}

async function derivedAuthority(secret: string): Promise<string> {
  const { Authority } = await import("../tls/authority.ts");
  return (await Authority.derive("api", secret)).certificate();
}

function verifiedByNode(secret: string, ca: string | undefined): TrustedFetch {
  return later(async () => {
    const { believingFetch } = await import("./node_fetch.ts");
    return believingFetch(ca ?? await derivedAuthority(secret));
  });
}

function unverified(): TrustedFetch {
  return later(() =>
    import("./node_fetch.ts").then(
      ({ unverifiedFetch }) => unverifiedFetch(),
      (cause) => {
        throw new HiqliteError(
          "invalid",
          "dangerTlsNoVerify: this runtime has no HTTPS as Node has it, by which certificates can be left unverified",
          { cause },
        );
      },
    )
  );
}

/** A fetch that is there a little later. */
function later(open: () => Promise<TrustedFetch>): TrustedFetch {
  const opening = open();
  // What keeps it from opening is told where it is used.
  opening.catch(() => {});
  return {
    fetch: async (input, init) => (await opening).fetch(input, init),
    close: () => void opening.then((opened) => opened.close(), () => {}),
  };
}
