import {
  createECDH,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  scrypt,
} from "node:crypto";
import { issueCertificate, keyId, type Party, pemOf } from "./certificate.ts";

/** Whose authority: each listener has its own secret. */
export type ListenerName = "raft" | "api";

/** A private key and the certificates that go with it, in PEM, the server's own first. */
export interface PemPair {
  readonly key: string;
  readonly chain: string;
}

/** The order of P-256. */
const ORDER =
  0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
/**
 * Whoever can connect can try secrets at home against the certificate that he
 * is shown: each guess shall cost 32 MiB and a tenth of a second.
 */
const SCRYPT = { N: 2 ** 15, r: 8, p: 1, maxmem: 64 * 1024 * 1024 };
/** Half again as many bits as the order has, so that no key is likelier than another. */
const SEED_BYTES = 48;
const KEY_BYTES = 32;
const BEGIN = new Date("2020-01-01T00:00:00Z");
const END = new Date("2120-01-01T00:00:00Z");
const DAY_MS = 86_400_000;

/** Who vouches for automatic certificates: whoever knows the secret can make it, and so verify without any file. */
export class Authority {
  readonly #party: Party;

  private constructor(party: Party) {
    this.#party = party;
  }

  /** The authority that follows from a secret, always the same; takes about 0.1 s and 32 MiB, beside this thread. */
  static async derive(
    listener: ListenerName,
    secret: string,
  ): Promise<Authority> {
    const seed = await stretched(secret, `hiqlite ${listener} authority v1`);
    const scalar = BigInt(`0x${seed.toString("hex")}`) % (ORDER - 1n) + 1n;
    const key = keyOf(scalar);
    // The key is part of the name: another authority is an unknown one, not one that signs badly.
    const hash = Buffer.from(keyId(key)).toString("hex").slice(0, 16);
    return new Authority({
      name: `Hiqlite ${listener} authority ${hash}`,
      key,
    });
  }

  /** Its certificate in PEM, for whoever verifies. One authority may stand between it and a server: the next, while a secret changes. */
  certificate(): string {
    return this.#certified(this, 1);
  }

  /**
   * A certificate for a server of these names, the first of them its own, with a key of its own: valid from
   * two days ago, since clocks differ, for ten years. With `previous`, who knows
   * only the authority of before can verify it, too.
   */
  issue(
    names: readonly string[],
    now: Date,
    previous: Authority | null = null,
  ): PemPair {
    const { privateKey: key } = generateKeyPairSync("ec", {
      namedCurve: "P-256",
    });
    const leaf = issueCertificate({
      subject: { name: names[0]!, key },
      issuer: this.#party,
      notBefore: new Date(now.getTime() - 2 * DAY_MS),
      notAfter: new Date(now.getTime() + 3652 * DAY_MS),
      use: { names },
    });
    const chain = previous === null
      ? leaf
      : leaf + previous.#certified(this, 0);
    return { key: pemOf(key), chain };
  }

  #certified(authority: Authority, pathLength: number): string {
    return issueCertificate({
      subject: authority.#party,
      issuer: this.#party,
      notBefore: BEGIN,
      notAfter: END,
      use: { pathLength },
    });
  }
}

function keyOf(scalar: bigint): KeyObject {
  const d = Buffer.from(
    scalar.toString(16).padStart(2 * KEY_BYTES, "0"),
    "hex",
  );
  const point = createECDH("prime256v1");
  point.setPrivateKey(d);
  const [x, y] = [1, 1 + KEY_BYTES].map((at) =>
    point.getPublicKey().subarray(at, at + KEY_BYTES)
  );
  return createPrivateKey({
    format: "jwk",
    key: {
      kty: "EC",
      crv: "P-256",
      d: d.toString("base64url"),
      x: x!.toString("base64url"),
      y: y!.toString("base64url"),
    },
  });
}

function stretched(secret: string, purpose: string): Promise<Buffer> {
  return new Promise((resolve, reject) =>
    scrypt(secret, purpose, SEED_BYTES, SCRYPT, (error, seed) => {
      // Bun says undefined where there is none.
      if (error) reject(error);
      else resolve(seed);
    })
  );
}
