import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import type { PemPair } from "./authority.ts";
import { pemOf } from "./certificate.ts";

/** Which of the two files is meant. */
export type PairPart = "key" | "cert";

/** A key and a certificate that cannot be used together. */
export class PairError extends Error {
  /** `PairError` */
  override readonly name = "PairError";
  /** Which of them must be looked at. */
  readonly part: PairPart;

  /** `problem` says what is wrong, and never quotes a key. */
  constructor(part: PairPart, problem: string) {
    super(problem);
    this.part = part;
  }
}

/** A key and a chain that belong together. */
export interface CheckedPair extends PemPair {
  /** SHA-256 of the server's certificate, as others show it: `AB:CD:…`. */
  readonly sha256: string;
  /** Validity of the server's certificate, ms since 1970. */
  readonly notBefore: number;
  readonly notAfter: number;
  /** The certificate of the chain that whoever dials may trust: the last one. */
  readonly last: string;
}

/** A certificate that ends sooner than this is warned about, ms. */
const SOON_MS = 14 * 86_400_000;

/**
 * Checks that a private key (PKCS #8, SEC 1 or PKCS #1) and a chain of
 * certificates belong together: a server takes any, and then fails with every
 * client.
 *
 * @throws {PairError}
 */
export function checkPair({ key, chain }: PemPair): CheckedPair {
  const certificates = certificatesOf(chain);
  const own = certificates[0]!;
  const secret = privateKeyOf(key);
  if (!own.checkPrivateKey(secret)) {
    const at = certificates.findIndex((one) => one.checkPrivateKey(secret));
    throw new PairError(
      "cert",
      at === -1
        ? "none of its certificates is of the key's public half"
        : `the server's certificate is number ${
          at + 1
        } in the file; put it first, then those that lead to an authority`,
    );
  }
  return {
    key: pemOf(secret),
    chain: certificates.map(String).join(""),
    sha256: own.fingerprint256,
    notBefore: own.validFromDate.getTime(),
    notAfter: own.validToDate.getTime(),
    last: String(certificates.at(-1)),
  };
}

/** What is wrong with a certificate's time, or null. */
export function validityProblem(
  { notBefore, notAfter }: Pick<CheckedPair, "notBefore" | "notAfter">,
  now: number,
): string | null {
  const day = (at: number): string => new Date(at).toISOString().slice(0, 10);
  if (now > notAfter) return `expired on ${day(notAfter)}`;
  if (now < notBefore) return `not valid before ${day(notBefore)}`;
  if (notAfter - now < SOON_MS) return `expires on ${day(notAfter)}`;
  return null;
}

/** The certificates of a PEM text. @throws {PairError} if there is none, or one cannot be read. */
export function certificatesOf(text: string): X509Certificate[] {
  const blocks =
    text.match(/-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g) ??
      [];
  if (blocks.length === 0) {
    throw new PairError("cert", "there is no certificate in PEM in it");
  }
  return blocks.map((block, at) => {
    try {
      return new X509Certificate(block);
    } catch {
      throw new PairError("cert", `certificate ${at + 1} in it is damaged`);
    }
  });
}

function privateKeyOf(text: string): KeyObject {
  if (/ENCRYPTED/.test(text)) {
    throw new PairError(
      "key",
      "the key is encrypted with a passphrase; give one that is not, readable by this user only",
    );
  }
  try {
    return createPrivateKey(text);
  } catch {
    throw new PairError("key", "there is no private key in PEM in it");
  }
}
