import type { NodeId } from "../raft/types.ts";
import { MalformedBytesError } from "../util/bytes.ts";
import {
  type HttpHead,
  LINK_UPGRADE,
  linkRequest,
  readHead,
  UnexpectedTlsError,
} from "./http_head.ts";
import type { ProvenConnection } from "./link_connection.ts";
import type { LinkContext, OpenConnection } from "./link_options.ts";
import type { Lane, Wire } from "./port.ts";
import { DialerHandshake, type HandshakeRefusal } from "./sealed/handshake.ts";
import { EphemeralKeys } from "./sealed/key_agreement.ts";
import { shakeAsDialer } from "./sealed/shake_hands.ts";
import { writeAll } from "../util/write_all.ts";

/** Whom to dial, and for what. */
export interface DialTarget {
  readonly node: NodeId;
  readonly lane: Lane;
  /** `host:port` */
  readonly address: string;
}

/** What a {@linkcode DialAttempt} tells its owner, once. */
export interface DialAttemptEvents {
  /** The peer has proven itself; the connection is the owner's now. */
  proven(connection: ProvenConnection): void;
  /** One side does not want the other. */
  refused(refusal: HandshakeRefusal): void;
  /** Nobody proved anything. */
  failed(reason: string): void;
}

/** One attempt to reach a peer: a connection, its upgrade, and the handshake. */
export class DialAttempt implements OpenConnection {
  /** Settles when it is over. */
  readonly gone: Promise<void>;
  readonly #target: DialTarget;
  readonly #context: LinkContext;
  readonly #events: DialAttemptEvents;
  readonly #bornAt: number;
  readonly #controller = new AbortController();
  #connection: Wire | null = null;
  #proven: ProvenConnection | null = null;
  #stopped = false;
  #why: string | null = null;

  /** Begins at once. */
  constructor(
    target: DialTarget,
    context: LinkContext,
    events: DialAttemptEvents,
  ) {
    this.#target = target;
    this.#context = context;
    this.#events = events;
    this.#bornAt = context.clock.monotonic();
    context.connections.add(this);
    this.gone = this.#run().finally(() => context.connections.delete(this));
  }

  /** Ends it if it takes too long. */
  tick(now: number): void {
    const { handshakeMs } = this.#context.limits;
    if (now - this.#bornAt < handshakeMs) return;
    this.#why ??= `no handshake within ${handshakeMs} ms`;
    this.#cut();
  }

  /** Ends it without an event. */
  abort(): void {
    this.#stopped = true;
    this.#cut();
  }

  #cut(): void {
    this.#controller.abort();
    try {
      this.#connection?.close();
    } catch {
      // Closed already.
    }
  }

  /** What an owner throws is not caught here. */
  async #run(): Promise<void> {
    let tell = await this.#connect().catch((error) => () =>
      this.#events.failed(this.#reasonOf(error))
    );
    if (this.#stopped) tell = () => {};
    if (this.#proven === null || this.#stopped) this.#cut();
    tell();
  }

  /** What to tell the owner. */
  async #connect(): Promise<() => void> {
    const { address, lane, node } = this.#target;
    const { dial, self, secrets } = this.#context;
    const connection = await dial(address, this.#controller.signal);
    this.#connection = connection;
    this.#controller.signal.throwIfAborted();
    await writeAll(connection, linkRequest(address));
    const head = await readHead(connection);
    if (head === null) throw new Error("closed by the peer");
    checkGranted(head);
    const keys = EphemeralKeys.generate();
    const handshake = new DialerHandshake({ self, secrets, keys }, lane, node);
    const shaken = await shakeAsDialer(connection, head.rest, handshake);
    if (shaken === null) throw new Error("closed by the peer");
    if (!("rest" in shaken)) return () => this.#events.refused(shaken.outcome);
    const { outcome, rest, sodium } = shaken;
    const proven = { connection, proven: outcome, rest, sodium };
    this.#proven = proven;
    return () => this.#events.proven(proven);
  }

  #reasonOf(error: Error): string {
    if (this.#why !== null) return this.#why;
    if (error instanceof UnexpectedTlsError) {
      return "it speaks TLS and this member does not: set the same tls_raft_* keys on every member";
    }
    if (error instanceof MalformedBytesError) {
      return `what answers there is no member: ${error.message}`;
    }
    return error.message;
  }
}

function checkGranted({ line, headers }: HttpHead): void {
  const upgraded = /^HTTP\/1\.1 101 /.test(line) &&
    headers.get("upgrade") === LINK_UPGRADE;
  if (upgraded) return;
  throw new Error(
    `it answered "${
      line.slice(0, 80)
    }" to Upgrade: ${LINK_UPGRADE}: it is no member, or of another release; run the same release on every member`,
  );
}
