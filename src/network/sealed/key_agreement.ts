import {
  createPrivateKey,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
} from "node:crypto";

/** Bytes of a public key, of a private one, and of what two of them agree on. */
export const LINK_KEY_BYTES = 32;

/** What stands before the 32 bytes of an X25519 key in DER (RFC 8410). */
const PUBLIC_PREFIX = Uint8Array.fromHex("302a300506032b656e032100");
const PRIVATE_PREFIX = Uint8Array.fromHex("302e020100300506032b656e04220420");

/** An X25519 key pair (RFC 7748) for one handshake. */
export class EphemeralKeys {
  /** What the other side gets, {@linkcode LINK_KEY_BYTES} bytes. */
  readonly publicKey: Uint8Array;
  readonly #privateKey: KeyObject;

  private constructor(privateKey: KeyObject, publicKey: KeyObject) {
    this.#privateKey = privateKey;
    const der = publicKey.export({ format: "der", type: "spki" });
    this.publicKey = Uint8Array.from(der.subarray(-LINK_KEY_BYTES));
  }

  /** A fresh pair. */
  static generate(): EphemeralKeys {
    const { privateKey, publicKey } = generateKeyPairSync("x25519");
    return new EphemeralKeys(privateKey, publicKey);
  }

  /** The pair of a known private key, for test vectors. */
  static of(privateKey: Uint8Array): EphemeralKeys {
    const key = createPrivateKey({
      key: derOf(PRIVATE_PREFIX, privateKey),
      format: "der",
      type: "pkcs8",
    });
    // The types of node:crypto know this only for a PEM or DER text.
    return new EphemeralKeys(key, createPublicKey(key as never));
  }

  /** What this side and the owner of `publicKey` agree on; null for a key that forces the result, such as zeros. */
  agree(publicKey: Uint8Array): Uint8Array | null {
    try {
      const shared = diffieHellman({
        privateKey: this.#privateKey,
        publicKey: createPublicKey({
          key: derOf(PUBLIC_PREFIX, publicKey),
          format: "der",
          type: "spki",
        }),
      });
      return Uint8Array.from(shared);
    } catch {
      // OpenSSL refuses zeros, and every other key with which all agree on zeros.
      return null;
    }
  }
}

function derOf(prefix: Uint8Array, key: Uint8Array): Buffer {
  const der = Buffer.alloc(prefix.length + key.length);
  der.set(prefix);
  der.set(key, prefix.length);
  return der;
}
