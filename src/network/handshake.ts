import { createHmac, timingSafeEqual } from "node:crypto";
import type { NodeId } from "../raft/types.ts";
import { nodeIdOf } from "../raft/types.ts";
import { ByteReader, ByteWriter, MalformedBytesError } from "../util/bytes.ts";
import { hexOfInt64, int64OfHex } from "../util/int64.ts";
import type { HostedMark, Lane, PeerIdentity } from "./port.ts";

/** The version of handshake and link; members with different ones do not talk. */
export const PROTOCOL_VERSION = 4;

/** The longest handshake message that is looked at, bytes. */
export const HANDSHAKE_BYTES_MAX = 1024;

/** Bytes of randomness that either side puts in, and of a proof. */
export const NONCE_BYTES = 32;

const FIELD_BYTES_MAX = 255;
const GROUPS_MAX = 16;
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
] as const;

/** One of {@linkcode REFUSALS}. */
export type RefusalReason = typeof REFUSALS[number];

/** A handshake that failed, with a sentence for the log that contains no secret. */
export interface HandshakeRefusal {
  readonly kind: "refused";
  readonly reason: RefusalReason;
  readonly detail: string;
  /** To be sent before the socket is closed; null if the other side refused. */
  readonly reply: Uint8Array | null;
}

/** The other side has proven that it knows the secret. */
export interface Proven {
  readonly kind: "proven";
  readonly peer: PeerIdentity;
  readonly lane: Lane;
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
  readonly secret: string;
  /** {@linkcode NONCE_BYTES} fresh random bytes. */
  readonly nonce: Uint8Array;
}

/** What both proofs cover. Roles keep one side's proof from being reflected as the other's. */
interface Transcript {
  readonly lane: Lane;
  readonly dialer: PeerIdentity;
  readonly acceptor: PeerIdentity;
  readonly dialerNonce: Uint8Array;
  readonly acceptorNonce: Uint8Array;
}

/**
 * The accepting side: sends {@linkcode AcceptorHandshake.challenge}, then
 * answers the dialer's hello. The dialer proves itself first.
 */
export class AcceptorHandshake {
  readonly #party: HandshakeParty;
  readonly #isPeer: (node: NodeId) => boolean;

  /** `isPeer` says which node ids may connect. */
  constructor(party: HandshakeParty, isPeer: (node: NodeId) => boolean) {
    this.#party = party;
    this.#isPeer = isPeer;
  }

  /** The first message of every handshake. */
  challenge(): Uint8Array {
    const writer = begin(MessageType.challenge).raw(this.#party.nonce);
    writeIdentity(writer, this.#party.self);
    return writer.finish();
  }

  /** Judges the dialer's hello. */
  receive(bytes: Uint8Array): Proven | HandshakeRefusal {
    return refusingMalformed(() => {
      const message = open(bytes, MessageType.hello);
      if ("kind" in message) return message;
      const { self, secret, nonce } = this.#party;
      const lane = LANES[message.u8()];
      if (lane === undefined) throw new MalformedBytesError("unknown lane");
      const dialerNonce = message.raw(NONCE_BYTES);
      const peer = readIdentity(message);
      const proof = message.raw(NONCE_BYTES);
      message.end();
      const transcript: Transcript = {
        lane,
        dialer: peer,
        acceptor: self,
        dialerNonce,
        acceptorNonce: nonce,
      };
      if (!timingSafeEqual(proof, prove("dialer", secret, transcript))) {
        return refuse("secret", wrongSecret(peer));
      }
      const node = nodeIdOf(peer.id);
      if (node === nodeIdOf(self.id)) return refuse("self", isSelf(node, peer));
      if (!this.#isPeer(node)) {
        return refuse(
          "unknown",
          `node ${node} at ${peer.raftAddress} is not a peer of this member`,
        );
      }
      if (differentClusters(self, peer)) {
        return refuse("cluster", otherCluster(self, peer));
      }
      const reply = begin(MessageType.welcome)
        .raw(prove("acceptor", secret, transcript)).finish();
      return { kind: "proven", peer, lane, reply };
    });
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
    const acceptorNonce = message.raw(NONCE_BYTES);
    const peer = readIdentity(message);
    message.end();
    const { self, secret, nonce } = this.#party;
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
      dialerNonce: nonce,
      acceptorNonce,
    };
    this.#transcript = transcript;
    const writer = begin(MessageType.hello).u8(LANES.indexOf(this.#lane))
      .raw(nonce);
    writeIdentity(writer, self);
    const reply = writer.raw(prove("dialer", secret, transcript)).finish();
    return { kind: "continue", reply };
  }

  #welcomed(
    bytes: Uint8Array,
    transcript: Transcript,
  ): Proven | HandshakeRefusal {
    const message = open(bytes, MessageType.welcome);
    if ("kind" in message) return message;
    const proof = message.raw(NONCE_BYTES);
    message.end();
    const expected = prove("acceptor", this.#party.secret, transcript);
    if (!timingSafeEqual(proof, expected)) {
      return refuse("secret", wrongSecret(transcript.acceptor));
    }
    return {
      kind: "proven",
      peer: transcript.acceptor,
      lane: this.#lane,
      reply: null,
    };
  }
}

function prove(
  role: "dialer" | "acceptor",
  secret: string,
  transcript: Transcript,
): Uint8Array {
  const writer = new ByteWriter(512);
  writer.text("hiqlite peer handshake").u8(PROTOCOL_VERSION);
  writer.text(role).text(transcript.lane);
  writeIdentity(writer, transcript.dialer);
  writeIdentity(writer, transcript.acceptor);
  writer.bytes(transcript.dialerNonce).bytes(transcript.acceptorNonce);
  return createHmac("sha256", secret).update(writer.view()).digest();
}

function begin(type: number): ByteWriter {
  return new ByteWriter(256).u8(type).u8(PROTOCOL_VERSION);
}

/** The rest of a message of the expected type, or why it ends the handshake. */
function open(
  bytes: Uint8Array,
  expected: number,
): ByteReader | HandshakeRefusal {
  if (bytes.length > HANDSHAKE_BYTES_MAX) {
    throw new MalformedBytesError(
      `a handshake message has at most ${HANDSHAKE_BYTES_MAX} bytes, found ${bytes.length}`,
    );
  }
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
  secret: "the Raft secrets differ, set the same HQL_SECRET_RAFT everywhere",
  self: "it has the same node id, give every member its own HQL_NODE_ID",
  unexpected: "it dialed another node id",
  unknown: "this node id is not among its configured nodes",
  cluster: "this member belongs to another cluster",
};

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
    return refuse("malformed", `malformed handshake: ${error.message}`);
  }
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
  } at ${peer.raftAddress} differs from this member's: set the same HQL_SECRET_RAFT everywhere`;
}

function isSelf(node: NodeId, peer: PeerIdentity): string {
  return `the peer at ${peer.raftAddress} has this member's own node id ${node}: give every member its own HQL_NODE_ID and address`;
}

function writeIdentity(writer: ByteWriter, identity: PeerIdentity): void {
  writer.text(identity.id).text(identity.clusterId);
  writer.text(identity.raftAddress).text(identity.apiAddress);
  writer.u32(identity.level).u8(identity.groups.length);
  for (const { group, mark } of identity.groups) {
    writer.u32(group).i64(int64OfHex(mark));
  }
  writer.text(identity.engine);
}

function readIdentity(reader: ByteReader): PeerIdentity {
  const id = readField(reader);
  if (!/^[1-9][0-9]{0,8}\.[0-9a-f]{16}$/.test(id)) {
    throw new MalformedBytesError("not a member id");
  }
  const clusterId = readField(reader);
  const raftAddress = readField(reader);
  const apiAddress = readField(reader);
  const level = reader.u32();
  const groups = readGroups(reader);
  const engine = readField(reader);
  return {
    id,
    clusterId,
    raftAddress,
    apiAddress,
    level,
    groups,
    engine,
  };
}

function readGroups(reader: ByteReader): HostedMark[] {
  const count = reader.u8();
  if (count > GROUPS_MAX) {
    throw new MalformedBytesError(
      `a member hosts ${GROUPS_MAX} groups at most`,
    );
  }
  return Array.from({ length: count }, () => ({
    group: reader.u32(),
    mark: hexOfInt64(reader.i64()),
  }));
}

/** Printable ASCII, because it ends up in log lines before it is proven. */
function readField(reader: ByteReader): string {
  const text = reader.text();
  if (text.length > FIELD_BYTES_MAX || !/^[\x20-\x7e]*$/.test(text)) {
    throw new MalformedBytesError("an identity field is too long or not ASCII");
  }
  return text;
}
