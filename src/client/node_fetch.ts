import { Agent as PlainAgent, request as plainRequest } from "node:http";
import { readFileSync } from "node:fs";
import { Agent, type AgentOptions, request as tlsRequest } from "node:https";
import { emitWarning, env } from "node:process";
import { Readable } from "node:stream";
import * as tls from "node:tls";
import type { TrustedFetch } from "./runtime.ts";

const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 304]);

/** A `fetch` of texts that verifies no certificate: for these requests alone, and not for the process. */
export function unverifiedFetch(): TrustedFetch {
  emitWarning(
    "dangerTlsNoVerify: no certificate is verified. Whoever answers at the address gets the API secret, and can read and change everything",
    { type: "HiqliteWarning", code: "HIQLITE_TLS_NO_VERIFY" },
  );
  return fetchOf({ rejectUnauthorized: false });
}

/** A `fetch` of texts that believes an authority, in PEM, beside those that the runtime believes. */
export function believingFetch(ca: string): TrustedFetch {
  return fetchOf({ ca: [...believed(), ca] });
}

/** Whom the runtime believes. */
function believed(): readonly string[] {
  if (typeof tls.getCACertificates === "function") {
    return tls.getCACertificates("default");
  }
  // Before Node 22.15 it does not say what it was told to believe as well.
  const file = env.NODE_EXTRA_CA_CERTS;
  return file === undefined
    ? tls.rootCertificates
    : [...tls.rootCertificates, readFileSync(file, "utf8")];
}

function fetchOf(trust: AgentOptions): TrustedFetch {
  const agent = new Agent({ keepAlive: true, ...trust });
  const plain = new PlainAgent({ keepAlive: true });
  return {
    fetch: (input, init = {}) =>
      new Promise((resolve, reject) => {
        const url = new URL(String(input));
        const options = {
          method: init.method ?? "GET",
          headers: Object.fromEntries(new Headers(init.headers)),
          ...(init.signal ? { signal: init.signal } : {}),
        };
        const request = url.protocol === "https:"
          ? tlsRequest(url, { ...options, ...trust, agent })
          : plainRequest(url, { ...options, agent: plain });
        request.on("response", (incoming) => {
          const status = incoming.statusCode!;
          if (status >= 300 && status < 400 && status !== 304) {
            incoming.destroy();
            return reject(new TypeError(`redirected with status ${status}`));
          }
          const body = Readable.toWeb(incoming) as ReadableStream<Uint8Array>;
          const headers = new Headers(
            incoming.headers as Record<string, string>,
          );
          const shown = WITHOUT_BODY.has(status) ? null : body;
          resolve(new Response(shown, { status, headers }));
        });
        request.on("error", (cause) => {
          reject(new TypeError(`fetch failed: ${cause.message}`, { cause }));
        });
        request.end(init.body as string | undefined);
      }),
    close: () => {
      agent.destroy();
      plain.destroy();
    },
  };
}
