import {
  createHash,
  createPublicKey,
  type KeyObject,
  randomBytes,
  sign,
} from "node:crypto";
import { addressBytes } from "./names.ts";
import { bits, der, integerOf, oid, sequence, time, utf8 } from "./der.ts";

/** A name and its P-256 key: who issues, or is certified. */
export interface Party {
  /** The common name. */
  readonly name: string;
  /** The private key. */
  readonly key: KeyObject;
}

/** What a certificate says. */
export interface CertificateContent {
  readonly subject: Party;
  readonly issuer: Party;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /**
   * For an authority: how many authorities may stand between it and a server.
   * Else the DNS names and IP addresses of a server.
   */
  readonly use:
    | { readonly pathLength: number }
    | { readonly names: readonly string[] };
}

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
const SERIAL_BYTES = 16;
const TRUE = der(0x01, Uint8Array.of(0xff));
/** Key usage (RFC 5280, 4.2.1.3): its first byte is the number of unused bits. */
const SIGNS_CERTIFICATES = der(0x03, Uint8Array.of(2, 0x04));
const SIGNS_HANDSHAKES = der(0x03, Uint8Array.of(7, 0x80));

/** An X.509 certificate, version 3 (RFC 5280), signed by its issuer, in PEM. */
export function issueCertificate(content: CertificateContent): string {
  const { subject, issuer, notBefore, notAfter, use } = content;
  const publicKey = createPublicKey(pemOf(subject.key))
    .export({ type: "spki", format: "der" });
  const body = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))),
    integerOf(serial()),
    ECDSA_SHA256,
    commonName(issuer.name),
    sequence(time(notBefore), time(notAfter)),
    commonName(subject.name),
    publicKey,
    der(
      0xa3,
      sequence(
        extension("2.5.29.14", der(0x04, keyId(subject.key))),
        extension("2.5.29.35", sequence(der(0x80, keyId(issuer.key)))),
        ...("names" in use
          ? serverUse(use.names)
          : authorityUse(use.pathLength)),
      ),
    ),
  );
  const signature = sign("sha256", body, issuer.key);
  return pem(sequence(body, ECDSA_SHA256, bits(signature)));
}

/** What tells public keys apart: 20 bytes of the hash of one. */
export function keyId(key: KeyObject): Uint8Array {
  const publicKey = createPublicKey(pemOf(key))
    .export({ type: "spki", format: "der" });
  return createHash("sha256").update(publicKey).digest().subarray(0, 20);
}

/** A private key in PEM, PKCS #8. */
export function pemOf(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

function serverUse(names: readonly string[]): Uint8Array[] {
  const alternatives = names.map((name) => {
    const address = addressBytes(name);
    return address === null ? der(0x82, Buffer.from(name)) : der(0x87, address);
  });
  return [
    extension("2.5.29.19", sequence(), TRUE),
    extension("2.5.29.15", SIGNS_HANDSHAKES, TRUE),
    // For servers, and for clients.
    extension(
      "2.5.29.37",
      sequence(oid("1.3.6.1.5.5.7.3.1"), oid("1.3.6.1.5.5.7.3.2")),
    ),
    extension("2.5.29.17", sequence(...alternatives)),
  ];
}

function authorityUse(pathLength: number): Uint8Array[] {
  const length = integerOf(Uint8Array.of(pathLength));
  return [
    extension("2.5.29.19", sequence(TRUE, length), TRUE),
    extension("2.5.29.15", SIGNS_CERTIFICATES, TRUE),
  ];
}

function extension(
  id: string,
  value: Uint8Array,
  critical: Uint8Array = new Uint8Array(),
): Uint8Array {
  return sequence(oid(id), critical, der(0x04, value));
}

function commonName(name: string): Uint8Array {
  return sequence(der(0x31, sequence(oid("2.5.4.3"), utf8(name))));
}

/** A random number that is positive whatever follows from it. */
function serial(): Uint8Array {
  const bytes = randomBytes(SERIAL_BYTES);
  bytes[0]! |= 0x40;
  return bytes;
}

function pem(bytes: Uint8Array): string {
  const lines = Buffer.from(bytes).toString("base64").match(/.{1,64}/g)!;
  return [
    "-----BEGIN CERTIFICATE-----",
    ...lines,
    "-----END CERTIFICATE-----",
    "",
  ].join("\n");
}
