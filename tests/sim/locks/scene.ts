import { LOCK_EVENT, lockEventIn } from "../../../src/state/locks/events.ts";
import type { StateEvent } from "../../../src/state/port.ts";
import type { MemberId } from "../../../src/raft/types.ts";
import { Draw } from "../draw.ts";
import type { SimMember } from "../member.ts";
import { Violation } from "../violation.ts";
import type { World } from "../world.ts";
import { LockClient } from "./client.ts";
import { publishedIn } from "./judge.ts";
import { SimListener } from "./listener.ts";
import { LockServices } from "./services.ts";

/** Locks and topics of one run: who asks, who listens, and what they may believe at the same time. */
export class LockScene {
  readonly #world: World;
  readonly #services = new WeakMap<SimMember, LockServices>();
  readonly #heard = new Map<number, string>();
  /** Tokens that were told of, and those that their holders know of. */
  readonly #granted = new Set<number>();
  readonly clients: readonly LockClient[];
  readonly listeners: readonly SimListener[];

  /** As the plan of `world` says. */
  constructor(world: World) {
    this.#world = world;
    const { seed, clients: { count, operations } } = world.plan;
    const draw = (name: string): Draw => new Draw(seed, name);
    this.clients = Array.from({ length: count + 1 }, (_, i) =>
      new LockClient(
        world,
        this,
        draw(`lock client ${i}`),
        `client ${i}`,
        Math.ceil(operations / count),
      ));
    this.listeners = Array.from(
      { length: draw("listeners").int(1, 3) },
      (_, i) => new SimListener(world, this, draw(`listener ${i}`)),
    );
  }

  /** Who is not done before it knows everything that it wants to. */
  get asking(): readonly (LockClient | SimListener)[] {
    return [...this.clients, ...this.listeners];
  }

  /** What a process does for locks and topics. */
  of(process: SimMember): LockServices {
    let services = this.#services.get(process);
    if (services === undefined) {
      const node = this.#world.nodes.find((one) => one.process === process)!;
      services = new LockServices(this.#world, process, node);
      this.#services.set(process, services);
    }
    return services;
  }

  /** A member's clock has ticked. */
  ticked(process: SimMember): void {
    this.of(process).tick();
  }

  /** A member told of an event. From a grant on nobody else may believe in holding a lock that can have one holder. */
  told(event: StateEvent): void {
    if (event.kind !== LOCK_EVENT) return;
    const { kind, name, token } = lockEventIn(event.bytes);
    if (kind !== "granted" || this.#granted.has(token)) return;
    this.#granted.add(token);
    if (!name.startsWith("one")) return;
    for (const client of this.clients) {
      for (const held of client.believed(name)) {
        if (held.token === token) continue;
        this.#twice(
          `${client.owner} believes in token ${held.token} of ${name} when ${token} is granted`,
        );
      }
    }
  }

  /** A client has begun to believe in a grant: all who do must fit. */
  believes(name: string, limit: number): void {
    const all = this.clients.flatMap((client) => client.believed(name));
    const used = all.reduce((sum, { permits }) => sum + permits, 0);
    if (used <= limit) return;
    this.#twice(`${used} of ${limit} permits of ${name} are believed in`);
  }

  /** A listener heard this at a member. */
  heard(member: MemberId, number: number, line: string): void {
    const known = this.#heard.get(number);
    if (known === undefined) this.#heard.set(number, line);
    else if (known !== line) {
      throw new Violation("topics", `${member} told ${line}, others ${known}`);
    }
  }

  /** What listeners heard is what the log, applied anew, publishes, and all of it. */
  checkHeard(events: readonly StateEvent[]): void {
    const published = publishedIn(events);
    for (const [number, line] of this.#heard) {
      if (published[number - 1] === line) continue;
      throw new Violation(
        "topics",
        `${line} was heard, not ${published[number - 1]}`,
      );
    }
  }

  /** Clients promise each other nothing if clocks run faster than theirs by more than a lease's margin. */
  #twice(what: string): void {
    if (this.#world.steadyClocks) throw new Violation("two holders", what);
  }
}
