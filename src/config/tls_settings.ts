import { ConfigError } from "../errors.ts";
import { type Setting, setting } from "./setting.ts";
import type { NodeConfig } from "./types.ts";
import { boolean, text, type ValueType } from "./value.ts";

/** The keys of TLS, under Hiqlite's names. */
export type TlsField = Extract<keyof NodeConfig, `tls${string}`>;

/** The two listeners of a member. */
const LISTENERS = ["raft", "api"] as const;

/** Where the certificate of a listener comes from. */
export type TlsSource =
  /** It speaks no TLS. */
  | { readonly kind: "off" }
  /** It follows from the listener's secret. */
  | { readonly kind: "automatic" }
  /** Paths of PEM files. */
  | { readonly kind: "files"; readonly key: string; readonly cert: string };

/** The keys of TLS, in the order of the generated file. */
export const TLS_SETTINGS: {
  readonly [F in TlsField]: Setting<NodeConfig[F]>;
} = {
  tlsAutoCertificates: setting(
    "tls_auto_certificates",
    "HQL_TLS_AUTO_CERTS",
    boolean(),
    false,
    "TLS on each listener that is given no files, with certificates that members and clients verify by the secret they share. The same on all members.",
  ),
  tlsRaftKey: setting(
    "tls_raft_key",
    "HQL_TLS_RAFT_KEY",
    path(),
    "",
    "Private key of the Raft listener in PEM, without a passphrase. TLS between members: the same on all.",
    "none",
  ),
  tlsRaftCert: setting(
    "tls_raft_cert",
    "HQL_TLS_RAFT_CERT",
    path(),
    "",
    "Certificates of the Raft listener in PEM, its own first; it must name the host in `nodes`.",
    "none",
  ),
  tlsRaftCa: setting(
    "tls_raft_ca",
    "HQL_TLS_RAFT_CA",
    path(),
    "",
    "Authorities in PEM that are trusted beside the public ones when peers are dialed.",
    "the last certificate of tls_raft_cert, or the authority of secret_raft",
  ),
  tlsRaftDangerTlsNoVerify: setting(
    "tls_raft_danger_tls_no_verify",
    "HQL_TLS_RAFT_DANGER_TLS_NO_VERIFY",
    boolean(),
    false,
    "Do not verify the certificates of peers. They prove that they know `secret_raft` all the same, and links are sealed.",
  ),
  tlsApiKey: setting(
    "tls_api_key",
    "HQL_TLS_API_KEY",
    path(),
    "",
    "Private key of the API in PEM, without a passphrase.",
    "none",
  ),
  tlsApiCert: setting(
    "tls_api_cert",
    "HQL_TLS_API_CERT",
    path(),
    "",
    "Certificates of the API in PEM, its own first.",
    "none",
  ),
  tlsApiCa: setting(
    "tls_api_ca",
    "HQL_TLS_API_CA",
    path(),
    "",
    "Authorities in PEM that commands such as `hiqlite cluster` trust beside the public ones.",
    "the last certificate of tls_api_cert, or the authority of secret_api",
  ),
  tlsApiDangerTlsNoVerify: setting(
    "tls_api_danger_tls_no_verify",
    "HQL_TLS_API_DANGER_TLS_NO_VERIFY",
    boolean(),
    false,
    "Commands such as `hiqlite cluster` verify no certificates: whoever answers gets the secret.",
  ),
};

/** Where a listener's certificate comes from. */
export function tlsSource(
  config: Pick<NodeConfig, TlsField>,
  listener: "raft" | "api",
): TlsSource {
  const [key, cert] = listener === "raft"
    ? [config.tlsRaftKey, config.tlsRaftCert]
    : [config.tlsApiKey, config.tlsApiCert];
  if (key !== "") return { kind: "files", key, cert };
  return { kind: config.tlsAutoCertificates ? "automatic" : "off" };
}

/** Refuses half a pair. @throws {ConfigError} naming the half that is there. */
export function checkTls(config: Pick<NodeConfig, TlsField>): void {
  for (const listener of LISTENERS) {
    const [key, cert] = listener === "raft"
      ? [config.tlsRaftKey, config.tlsRaftCert]
      : [config.tlsApiKey, config.tlsApiCert];
    if ((key === "") === (cert === "")) continue;
    const halves = [`tls_${listener}_key`, `tls_${listener}_cert`];
    if (key === "") halves.reverse();
    throw new ConfigError(
      halves[0]!,
      `is set and ${halves[1]} is not; a listener that speaks TLS needs both`,
    );
  }
}

function path(): ValueType<string> {
  return text(
    "a path",
    (value) => value.includes("\0") ? undefined : value,
  );
}
