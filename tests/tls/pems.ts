import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { join } from "node:path";
import { issueCertificate, pemOf } from "../../src/tls/certificate.ts";

const DAY_MS = 86_400_000;

/** What a made certificate says. */
export interface MadeOptions {
  /** @default {["localhost", "127.0.0.1"]} */
  readonly names?: readonly string[];
  /** Days from now on. @default {-1} */
  readonly from?: number;
  /** Days from now on. @default {365} */
  readonly until?: number;
  /** @default {"P-256"} */
  readonly key?: "P-256" | "RSA" | "Ed25519";
  /** Who signs. @default another authority each time */
  readonly authority?: TestAuthority;
}

/** An authority that is not ours, as a company has one. */
export class TestAuthority {
  readonly key: KeyObject = newKey("P-256");
  readonly name = `Test ${crypto.randomUUID()}`;
  /** Its certificate in PEM. */
  readonly pem: string = issueCertificate({
    subject: this,
    issuer: this,
    notBefore: days(-30),
    notAfter: days(3000),
    use: { pathLength: 0 },
  });
}

/** A key and a certificate in PEM, as an operator brings them. */
export function made(
  options: MadeOptions = {},
): { key: string; chain: string; keyObject: KeyObject } {
  const { names = ["localhost", "127.0.0.1"], key: kind = "P-256" } = options;
  const keyObject = newKey(kind);
  const chain = issueCertificate({
    subject: { name: names[0]!, key: keyObject },
    issuer: options.authority ?? new TestAuthority(),
    notBefore: days(options.from ?? -1),
    notAfter: days(options.until ?? 365),
    use: { names },
  });
  return { key: pemOf(keyObject), chain, keyObject };
}

/** Writes a pair where a listener finds it: `key.pem` and `cert.pem` in `folder`. */
export function writePair(
  folder: string,
  pair: { readonly key: string; readonly chain: string },
): { key: string; cert: string } {
  const paths = {
    key: join(folder, "key.pem"),
    cert: join(folder, "cert.pem"),
  };
  Deno.mkdirSync(folder, { recursive: true });
  Deno.writeTextFileSync(paths.key, pair.key);
  Deno.writeTextFileSync(paths.cert, pair.chain);
  return paths;
}

/** The output of a program that may not be installed; null if it is not. */
export async function outputOf(
  program: string,
  args: readonly string[],
): Promise<{ code: number; text: string } | null> {
  try {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
    }).output();
    const decoder = new TextDecoder();
    return { code, text: decoder.decode(stdout) + decoder.decode(stderr) };
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}

function newKey(kind: "P-256" | "RSA" | "Ed25519"): KeyObject {
  return kind === "RSA"
    ? generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey
    : kind === "Ed25519"
    ? generateKeyPairSync("ed25519").privateKey
    : generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

function days(count: number): Date {
  return new Date(Date.now() + count * DAY_MS);
}
