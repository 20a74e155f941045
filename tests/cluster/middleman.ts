import {
  LINK_GRANTED,
  linkRequest,
  readHead,
} from "../../src/network/http_head.ts";
import {
  AcceptorHandshake,
  DialerHandshake,
  type Proven,
} from "../../src/network/sealed/handshake.ts";
import { HandshakeChannel } from "../../src/network/sealed/handshake_channel.ts";
import { readIdentity } from "../../src/network/sealed/identity_codec.ts";
import {
  EphemeralKeys,
  LINK_KEY_BYTES,
} from "../../src/network/sealed/key_agreement.ts";
import { writeAll } from "../../src/util/write_all.ts";
import { nodeIdOf } from "../../src/raft/types.ts";
import { ByteReader } from "../../src/util/bytes.ts";
import { SealedEnd } from "../network/sealed_end.ts";
import type { Side } from "./proxy.ts";

/** The two ends of a link whose middleman knows what is said. */
export interface Tapped {
  /** Towards the member that dialed. */
  readonly dialer: SealedEnd;
  /** Towards the member that was dialed. */
  readonly dialed: SealedEnd;
}

/**
 * Stands between two members as only someone who knows their secret can: to each
 * it proves to be the other. A network that doubles or reorders messages would
 * break a sealed link, so this is what is left to disturb what members say.
 *
 * `dialer` has sent nothing but its request. `pass` is asked before what a side says
 * goes on. Null if the two do not want each other, of which they were told.
 */
export async function standBetween(
  dialer: Deno.Conn,
  dialed: Deno.Conn,
  secret: string,
  pass: (side: Side) => Promise<void>,
): Promise<Tapped | null> {
  await pass("dialer");
  await writeAll(dialed, linkRequest("middleman"));
  const head = await readHead(dialed);
  if (head === null || !/ 101 /.test(head.line)) return null;
  const toDialed = new HandshakeChannel(dialed, head.rest);
  const toDialer = new HandshakeChannel(dialer, new Uint8Array());

  const challenge = await toDialed.receive();
  if (challenge === null) return null;
  const reader = new ByteReader(challenge, 2 + LINK_KEY_BYTES);
  const self = readIdentity(reader);
  const secrets = [secret];
  const keys = EphemeralKeys.generate();
  const acceptor = new AcceptorHandshake({ self, secrets, keys }, () => null);
  await pass("dialed");
  await writeAll(dialer, LINK_GRANTED);
  await toDialer.send(acceptor.challenge());
  const hello = await toDialer.receive();
  if (hello === null) return null;
  await pass("dialer");
  const there = acceptor.receive(hello);
  if (there.kind === "refused") {
    // It was the dialer that refused.
    await toDialed.send(hello);
    return null;
  }
  const here = await proveTo(toDialed, challenge, there, secrets);
  await pass("dialed");
  if (here instanceof Uint8Array) {
    await toDialer.send(here);
    return null;
  }
  await toDialer.send(there.reply!);
  return {
    dialer: new SealedEnd(dialer, there, toDialer.rest),
    dialed: new SealedEnd(dialed, here, toDialed.rest),
  };
}

/** Proves to be the dialer; the answer itself if it is a refusal. */
async function proveTo(
  channel: HandshakeChannel,
  challenge: Uint8Array,
  { peer, lane }: Proven,
  secrets: readonly string[],
): Promise<Proven | Uint8Array> {
  const keys = EphemeralKeys.generate();
  const expected = nodeIdOf(
    readIdentity(new ByteReader(challenge, 2 + LINK_KEY_BYTES)).id,
  );
  const handshake = new DialerHandshake(
    { self: peer, secrets, keys },
    lane,
    expected,
  );
  const answer = handshake.receive(challenge);
  if (answer.kind !== "continue") {
    return answer.kind === "refused" ? answer.reply! : answer;
  }
  await channel.send(answer.reply);
  const welcome = await channel.receive();
  if (welcome === null) throw new Error("closed");
  const outcome = handshake.receive(welcome);
  if (outcome.kind === "proven") return outcome;
  return welcome;
}
