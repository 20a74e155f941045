import { createHmac, hkdfSync } from "node:crypto";
import { ByteWriter } from "../../util/bytes.ts";
import type { Lane, PeerIdentity } from "../port.ts";
import { writeIdentity } from "./identity_codec.ts";
import type { EphemeralKeys } from "./key_agreement.ts";

/** Which end of a connection. */
export type LinkRole = "dialer" | "acceptor";

/** Bytes of a proof. */
export const PROOF_BYTES = 32;

const SEAL_KEY_BYTES = 32;

/** Everything that both sides said and that their proofs cover. */
export interface Transcript {
  readonly lane: Lane;
  readonly dialer: PeerIdentity;
  readonly acceptor: PeerIdentity;
  /** Public keys, fresh for each handshake: nobody can use a proof again. */
  readonly dialerKey: Uint8Array;
  readonly acceptorKey: Uint8Array;
}

/** The keys of a connection, one for each direction. */
export interface LinkKeys {
  readonly send: Uint8Array;
  readonly receive: Uint8Array;
}

/** What shows that a side knows the secret. The role keeps one side's proof from being reflected as the other's. */
export function prove(
  role: LinkRole,
  secret: string,
  transcript: Transcript,
): Uint8Array {
  return authenticate(role, secret, transcript);
}

/**
 * Derives a connection's keys from what both private keys agree on, the secret
 * and the transcript: who records everything and learns the secret later reads
 * nothing. Null if the other side's public key forces the result.
 */
export function deriveKeys(
  role: LinkRole,
  secret: string,
  transcript: Transcript,
  keys: EphemeralKeys,
): LinkKeys | null {
  const { lane, dialerKey, acceptorKey } = transcript;
  const shared = keys.agree(role === "dialer" ? acceptorKey : dialerKey);
  if (shared === null) return null;
  const salt = authenticate("keys", secret, transcript);
  const keyOf = (from: LinkRole): Uint8Array => {
    const info = `hiqlite link ${lane} from ${from}`;
    return new Uint8Array(
      hkdfSync("sha256", shared, salt, info, SEAL_KEY_BYTES),
    );
  };
  return {
    send: keyOf(role),
    receive: keyOf(role === "dialer" ? "acceptor" : "dialer"),
  };
}

function authenticate(
  purpose: LinkRole | "keys",
  secret: string,
  transcript: Transcript,
): Uint8Array {
  const writer = new ByteWriter(512);
  writer.text("hiqlite sealed link").text(purpose).text(transcript.lane);
  writeIdentity(writer, transcript.dialer);
  writeIdentity(writer, transcript.acceptor);
  writer.bytes(transcript.dialerKey).bytes(transcript.acceptorKey);
  return createHmac("sha256", secret).update(writer.view()).digest();
}
