import { timingSafeEqual } from "node:crypto";
import type { NodeId } from "../../raft/types.ts";
import { nodeIdOf } from "../../raft/types.ts";
import {
  ByteReader,
  ByteWriter,
  MalformedBytesError,
} from "../../util/bytes.ts";
import type { Lane, PeerIdentity } from "../port.ts";
import { readIdentity, writeIdentity } from "./identity_codec.ts";
import { type EphemeralKeys, LINK_KEY_BYTES } from "./key_agreement.ts";
import {
  deriveKeys,
  type LinkKeys,
  PROOF_BYTES,
  prove,
  type Transcript,
} from "./transcript.ts";

/** The version of handshake and link; members with different ones do not talk. */
export const PROTOCOL_VERSION = 5;

/** The longest handshake message that is looked at, bytes. */
export const HANDSHAKE_BYTES_MAX = 1536;

/** A secret and the one before it: more proofs are not sent. */
const PROOFS_MAX = 2;
const LANES: readonly Lane[] = ["control", "bulk"];

/** Handshake messages: the first byte. The second is the protocol version, in every version. */
const MessageType = { challenge: 1, hello: 2, welcome: 3, refusal: 4 } as const;

/** Why a handshake failed. On the wire the position in this list, so it only grows. */
export const REFUSALS = [
  "malformed",
  "version",
  "secret",
  "self",
  "unexpected",
  "unknown",
  "cluster",
  "occupied",
] as const;

/** One of {@linkcode REFUSALS}. */
export type RefusalReason = typeof REFUSALS[number];

/** A handshake that failed, with a sentence for the log that contains no secret. */
export interface HandshakeRefusal {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  readonly detail: string;
  /** To be sent before the connection is closed; null if the other side refused. */
  readonly reply: Uint8Array | null;
}

/** The other side has proven that it knows the secret. */
export interface Proven {
  readonly kind: "proven";
  readonly peer: PeerIdentity;
  readonly lane: Lane;
  /** What seals everything after the handshake. */
  readonly keys: LinkKeys;
  /** The acceptor's last message; null on the dialer, who has said everything. */
  readonly reply: Uint8Array | null;
}

/** The dialer's proof is on its way; the acceptor's is awaited. */
export interface Continue {
  readonly kind: "continue";
  readonly reply: Uint8Array;
}

/** What one side brings into a handshake. */
export interface HandshakeParty {
  readonly self: PeerIdentity;
  /** The secret that members share, and perhaps the one before it: either will do. */
  readonly secrets: readonly string[];
  /** Made for this handshake. */
  readonly keys: EphemeralKeys;
}

/** Why a proven peer may not connect, or null. */
export type JudgePeer = (
  peer: PeerIdentity,
) => Pick<HandshakeRefusal, "reason" | "detail"> | null;

/**
 * The accepting side: sends {@linkcode AcceptorHandshake.challenge}, then
 * answers the dialer's hello. The dialer proves itself first.
 */
export class AcceptorHandshake {
  readonly #party: HandshakeParty;
  readonly #judge: JudgePeer;

  /** `judge` says which of those who know the secret may connect. */
  constructor(party: HandshakeParty, judge: JudgePeer) {
    this.#party = party;
    this.#judge = judge;
  }

  /** The first message of every handshake. */
  challenge(): Uint8Array {
    const { publicKey } = this.#party.keys;
    const writer = begin(MessageType.challenge).raw(publicKey);
    writeIdentity(writer, this.#party.self);
    return writer.finish();
  }

  /** Judges the dialer's hello. */
  receive(bytes: Uint8Array): Proven | HandshakeRefusal {
    return refusingMalformed(() => {
      const message = open(bytes, MessageType.hello);
      if ("kind" in message) return message;
      const { self, secrets, keys } = this.#party;
      const lane = LANES[message.u8()];
      if (lane === undefined) throw new MalformedBytesError("unknown lane");
      const dialerKey = message.raw(LINK_KEY_BYTES);
      const peer = readIdentity(message);
      const proofs = readProofs(message);
      message.end();
      const transcript: Transcript = {
        lane,
        dialer: peer,
        acceptor: self,
        dialerKey,
        acceptorKey: keys.publicKey,
      };
      const secret = secrets.find((known) => {
        const expected = prove("dialer", known, transcript);
        return proofs.some((proof) => timingSafeEqual(proof, expected));
      });
      if (secret === undefined) return refuse("secret", wrongSecret(peer));
      const refusal = this.#refusalOf(peer);
      if (refusal !== null) return refusal;
      const linkKeys = deriveKeys("acceptor", secret, transcript, keys);
      if (linkKeys === null) throw new MalformedBytesError(FORCED_KEY);
      const reply = begin(MessageType.welcome)
        .raw(prove("acceptor", secret, transcript)).finish();
      return { kind: "proven", peer, lane, keys: linkKeys, reply };
    });
  }

  /** Why one who knows the secret is refused all the same. */
  #refusalOf(peer: PeerIdentity): HandshakeRefusal | null {
    const { self } = this.#party;
    const node = nodeIdOf(peer.id);
    if (node === nodeIdOf(self.id)) return refuse("self", isSelf(node, peer));
    if (differentClusters(self, peer)) {
      return refuse("cluster", otherCluster(self, peer));
    }
    const objection = this.#judge(peer);
    return objection === null
      ? null
      : refuse(objection.reason, objection.detail);
  }
}

/** The dialing side: answers the challenge, then checks the acceptor's proof. */
export class DialerHandshake {
  readonly #party: HandshakeParty;
  readonly #lane: Lane;
  readonly #expected: NodeId;
  #transcript: Transcript | null = null;

  /** `expected` is the node that was dialed. */
  constructor(party: HandshakeParty, lane: Lane, expected: NodeId) {
    this.#party = party;
    this.#lane = lane;
    this.#expected = expected;
  }

  /** Answers the acceptor's next message. */
  receive(bytes: Uint8Array): Continue | Proven | HandshakeRefusal {
    return refusingMalformed(() =>
      this.#transcript === null
        ? this.#challenged(bytes)
        : this.#welcomed(bytes, this.#transcript)
    );
  }

  #challenged(bytes: Uint8Array): Continue | HandshakeRefusal {
    const message = open(bytes, MessageType.challenge);
    if ("kind" in message) return message;
    const acceptorKey = message.raw(LINK_KEY_BYTES).slice();
    const peer = readIdentity(message);
    message.end();
    const { self, secrets, keys } = this.#party;
    const node = nodeIdOf(peer.id);
    if (node === nodeIdOf(self.id)) return refuse("self", isSelf(node, peer));
    if (node !== this.#expected) {
      return refuse(
        "unexpected",
        `dialed node ${this.#expected} and found node ${node} at ${peer.raftAddress}`,
      );
    }
    if (differentClusters(self, peer)) {
      return refuse("cluster", otherCluster(self, peer));
    }
    const transcript: Transcript = {
      lane: this.#lane,
      dialer: self,
      acceptor: peer,
      dialerKey: keys.publicKey,
      acceptorKey,
    };
    this.#transcript = transcript;
    const writer = begin(MessageType.hello).u8(LANES.indexOf(this.#lane))
      .raw(keys.publicKey);
    writeIdentity(writer, self);
    writer.u8(secrets.length);
    for (const secret of secrets) {
      writer.raw(prove("dialer", secret, transcript));
    }
    return { kind: "continue", reply: writer.finish() };
  }

  #welcomed(
    bytes: Uint8Array,
    transcript: Transcript,
  ): Proven | HandshakeRefusal {
    const message = open(bytes, MessageType.welcome);
    if ("kind" in message) return message;
    const proof = message.raw(PROOF_BYTES);
    message.end();
    const { secrets, keys } = this.#party;
    const secret = secrets.find((known) =>
      timingSafeEqual(proof, prove("acceptor", known, transcript))
    );
    if (secret === undefined) {
      return refuse("secret", wrongSecret(transcript.acceptor));
    }
    const linkKeys = deriveKeys("dialer", secret, transcript, keys);
    if (linkKeys === null) throw new MalformedBytesError(FORCED_KEY);
    return {
      kind: "proven",
      peer: transcript.acceptor,
      lane: this.#lane,
      keys: linkKeys,
      reply: null,
    };
  }
}

const FORCED_KEY = "a public key that makes the result known to everybody";

function readProofs(reader: ByteReader): Uint8Array[] {
  const count = reader.u8();
  if (count < 1 || count > PROOFS_MAX) {
    throw new MalformedBytesError(`a hello has 1 or ${PROOFS_MAX} proofs`);
  }
  return Array.from({ length: count }, () => reader.raw(PROOF_BYTES));
}

function begin(type: number): ByteWriter {
  return new ByteWriter(256).u8(type).u8(PROTOCOL_VERSION);
}

/** The rest of a message of the expected type, or why it ends the handshake. */
function open(
  bytes: Uint8Array,
  expected: number,
): ByteReader | HandshakeRefusal {
  const reader = new ByteReader(bytes);
  const type = reader.u8();
  const version = reader.u8();
  if (version !== PROTOCOL_VERSION) {
    return refuse(
      "version",
      `the peer speaks version ${version} of the link protocol and this member version ${PROTOCOL_VERSION}: run the same release on every member`,
    );
  }
  if (type === MessageType.refusal) return refusedByPeer(reader);
  if (type !== expected) {
    throw new MalformedBytesError(`handshake message ${type} out of turn`);
  }
  return reader;
}

function refusedByPeer(reader: ByteReader): HandshakeRefusal {
  const code = reader.u8();
  const reason = REFUSALS[code];
  reader.end();
  if (reason === undefined) {
    throw new MalformedBytesError(`unknown refusal ${code}`);
  }
  const detail = `the peer refused this member: ${REFUSED[reason]}`;
  return { kind: "refused", reason, detail, reply: null };
}

/** What a refusal by the other side means for this one. */
const REFUSED: Readonly<Record<RefusalReason, string>> = {
  malformed: "it did not understand the handshake",
  version: "it speaks another version of the link protocol",
  secret:
    "the Raft secrets differ, set the same secret_raft (HQL_SECRET_RAFT) everywhere",
  self: "it has the same node id, give every member its own HQL_NODE_ID",
  unexpected: "it dialed another node id",
  unknown: "this node id is not among its configured nodes",
  cluster: "this member belongs to another cluster",
  occupied:
    "another process with this node id and another data directory is linked with it and lives: stop one of the two, or give this one its own HQL_NODE_ID",
};

/** How loud a refusal is: a peer that comes back anew while its former link has not been missed yet is refused for a moment, too. */
export function levelOf(reason: RefusalReason): "warn" | "error" {
  return reason === "occupied" ? "warn" : "error";
}

function refuse(reason: RefusalReason, detail: string): HandshakeRefusal {
  const reply = begin(MessageType.refusal).u8(REFUSALS.indexOf(reason))
    .finish();
  return { kind: "refused", reason, detail, reply };
}

function refusingMalformed<T>(judge: () => T): T | HandshakeRefusal {
  try {
    return judge();
  } catch (error) {
    if (!(error instanceof MalformedBytesError)) throw error;
    return malformed(error);
  }
}

/** The refusal of a message that makes no sense. */
export function malformed({ message }: MalformedBytesError): HandshakeRefusal {
  return refuse("malformed", `malformed handshake: ${message}`);
}

function differentClusters(a: PeerIdentity, b: PeerIdentity): boolean {
  return a.clusterId !== "" && b.clusterId !== "" &&
    a.clusterId !== b.clusterId;
}

function otherCluster(self: PeerIdentity, peer: PeerIdentity): string {
  return `node ${
    nodeIdOf(peer.id)
  } at ${peer.raftAddress} belongs to another cluster: ${peer.clusterId}, this member to ${self.clusterId}`;
}

function wrongSecret(peer: PeerIdentity): string {
  return `the Raft secret of node ${
    nodeIdOf(peer.id)
  } at ${peer.raftAddress} differs from this member's: set the same secret_raft (HQL_SECRET_RAFT) everywhere`;
}

function isSelf(node: NodeId, peer: PeerIdentity): string {
  return `the peer at ${peer.raftAddress} has this member's own node id ${node}: give every member its own HQL_NODE_ID and address`;
}
