import type { LockAnswer, LockWish } from "../../../src/state/locks/types.ts";
import type { WriteNotice } from "../../../src/state/sql/types.ts";
import type { Draw } from "../draw.ts";
import type { SimMember } from "../member.ts";
import type { World } from "../world.ts";
import { Attendance } from "./attendance.ts";
import { type Asked, guardedWrite, type Reply } from "./commands.ts";
import { SimLease } from "./lease.ts";
import { Requests } from "./requests.ts";
import type { LockScene } from "./scene.ts";
import { drawWish, wishLease } from "./wishes.ts";

/** A member that is cut off does not hear that a wait is over: so much later others are asked, ms. As `Locks`. */
const LATE_MS = 2_000;
/** Operations of each client once the cluster is well again. */
const LAST_OPERATIONS = 4;

/** A lock, or a part of it, that a client was granted. */
export interface Held {
  readonly name: string;
  readonly token: number;
  readonly permits: number;
  readonly lease: SimLease;
}

interface Waiting {
  readonly wish: LockWish;
  readonly ticket: number;
  process: SimMember;
  /** Its fate may be known. */
  look: boolean;
  /** By then its member should have told what became of it, ms. */
  readonly lateMs: number;
  leave: () => void;
}

/** A client of locks and topics: an operation at a time, and waits beside it. It plays the part of `Locks` and `ClientLease`. */
export class LockClient {
  readonly owner: string;
  readonly #world: World;
  readonly #scene: LockScene;
  readonly #draw: Draw;
  readonly #requests: Requests;
  #left: number;
  #busy = false;
  #turn = 0;
  #lease: SimLease | null = null;
  #held: Held[] = [];
  /** What was held once: fences and releases under it do nothing, if it is over. */
  #stale: Held[] = [];
  readonly #waiting = new Set<Waiting>();

  /** A client that will make `operations` operations. */
  constructor(
    world: World,
    scene: LockScene,
    draw: Draw,
    owner: string,
    operations: number,
  ) {
    this.#world = world;
    this.#scene = scene;
    this.#draw = draw;
    this.owner = owner;
    this.#left = operations;
    this.#requests = new Requests(world, draw);
    this.#next();
  }

  /** Whether it has made all its operations, and knows what became of all its tickets. */
  get finished(): boolean {
    return this.#left === 0 && !this.#busy && this.#waiting.size === 0;
  }

  /** The cluster is well again: only a few more, soon. */
  wrapUp(): void {
    this.#left = LAST_OPERATIONS;
    if (!this.#busy) this.#next();
  }

  /** What it believes to hold of a lock now. */
  believed(name: string): Held[] {
    return this.#held.filter((held) =>
      held.name === name && held.lease.lives(this.#world.now)
    );
  }

  #next(pauseMs = 0): void {
    this.#busy = false;
    if (this.finished) return;
    const { plan, healed } = this.#world;
    const thinkMs = healed
      ? plan.tickMs
      : this.#draw.exponential(plan.clients.thinkMs);
    this.#wake(pauseMs + thinkMs);
  }

  #wake(ms: number): void {
    const turn = ++this.#turn;
    this.#world.scheduler.after(ms, () => {
      if (turn !== this.#turn || this.#busy) return;
      this.#busy = true;
      this.#act();
    });
  }

  #act(): void {
    this.#forgetLost();
    const waiting = [...this.#waiting];
    const known = waiting.find(({ look, lateMs, process }) =>
      look || lateMs < this.#world.now || !process.alive
    );
    if (known !== undefined) return this.#claim(known);
    if (this.#left === 0) return this.#next();
    const lease = this.#lease;
    const { healed } = this.#world;
    if (
      lease !== null && !healed && this.#draw.chance(0.9) &&
      lease.isDue(this.#world.now)
    ) return this.#renew(lease);
    this.#left--;
    if (lease === null && !healed) return this.#open();
    this.#anything(waiting);
  }

  #anything(waiting: readonly Waiting[]): void {
    const draw = this.#draw;
    const held = this.#held.length === 0 ? null : draw.pick(this.#held);
    const stale = this.#stale.length === 0 ? null : draw.pick(this.#stale);
    const dice = draw.unit();
    if (dice < 0.3 && waiting.length < 2 && !this.#world.healed) {
      return this.#acquire();
    }
    if (dice < 0.42 && held !== null) return this.#release(held);
    if (dice < 0.7) return this.#write(held ?? stale);
    if (dice < 0.82) return this.#notify();
    if (dice < 0.86 && held !== null) return this.#extend(held);
    if (dice < 0.88) return this.#end();
    if (dice < 0.92 && waiting.length > 0) {
      return this.#cancel(draw.pick(waiting));
    }
    if (dice < 0.95 && stale !== null) return this.#late(stale);
    if (dice < 0.97 && this.#lease !== null) {
      // Longer than its leases live, and after that it goes on as if nothing had been.
      return this.#next(this.#lease.ttlMs * draw.between(1, 3));
    }
    this.#write(stale ?? held);
  }

  /** What is over by its own clock it does not believe in any more. */
  #forgetLost(): void {
    const { now } = this.#world;
    if (this.#lease?.lives(now) === false) this.#lease = null;
    const lost = this.#held.filter(({ lease }) => !lease.lives(now));
    if (lost.length === 0) return;
    this.#held = this.#held.filter((held) => !lost.includes(held));
    this.#stale = [...this.#stale, ...lost].slice(-5);
  }

  #open(): void {
    const ttlMs = wishLease(this.#draw, this.#world.plan);
    const { now } = this.#world;
    this.#ask({
      kind: "lock",
      operation: { kind: "open", ttlMs, owner: this.owner },
    }, (answer) => {
      if (answer.kind !== "leased") return;
      this.#lease = new SimLease(answer.lease, ttlMs, now);
    });
  }

  #renew(lease: SimLease): void {
    const { now } = this.#world;
    this.#ask({
      kind: "lock",
      operation: { kind: "renew", lease: lease.id },
    }, (answer) => {
      if (answer.kind === "leased") lease.renewed(now);
      else this.#over(lease);
    });
  }

  #acquire(): void {
    const { now, plan } = this.#world;
    const wish = drawWish(
      this.#draw,
      plan,
      this.owner,
      this.#lease?.id ?? null,
    );
    const attendance = new Attendance(this.#scene);
    this.#ask(
      { kind: "lock", operation: { kind: "acquire", wish } },
      (answer) => {
        if (answer.kind === "granted") this.#granted(wish, answer, now);
        if (answer.kind === "waiting") {
          const { ticket } = answer;
          // A repeated request: what became of its ticket may be long ago.
          const look = ticket <= attendance.at.ask.since;
          this.#wait(wish, ticket, attendance.at, look);
        }
        if (answer.kind === "lost") this.#lease = null;
        attendance.end();
      },
      (process) => attendance.begin(process),
      () => attendance.end(),
    );
  }

  /** Hears at a member what becomes of a ticket; `ask` was made there before the ticket could have a fate. */
  #wait(
    wish: LockWish,
    ticket: number,
    { process, ask }: Attendance["at"],
    look: boolean,
  ): void {
    this.#world.probes.hit("lockWaited");
    const waiting: Waiting = {
      wish,
      ticket,
      process,
      look,
      lateMs: this.#world.now + wish.waitMs + LATE_MS,
      leave: () => {},
    };
    this.#waiting.add(waiting);
    if (!process.alive) return;
    waiting.leave = this.#scene.of(process).waits.ticket(ticket, ask, () => {
      waiting.look = true;
      if (!this.#busy) this.#wake(this.#draw.between(0, 1));
    });
  }

  /** Takes what a ticket was granted, or hears that it waits still, or that it is gone. */
  #claim(waiting: Waiting): void {
    const { now } = this.#world;
    const { wish, ticket } = waiting;
    const attendance = new Attendance(this.#scene);
    this.#ask(
      { kind: "lock", operation: { kind: "claim", name: wish.name, ticket } },
      (answer) => {
        this.#leave(waiting);
        if (answer.kind === "granted") this.#granted(wish, answer, now);
        if (answer.kind === "waiting") {
          this.#wait(wish, ticket, attendance.at, false);
        }
        if (answer.kind === "lost") this.#world.probes.hit("lockWaitOver");
        attendance.end();
      },
      (process) => attendance.begin(process),
      () => attendance.end(),
    );
  }

  #leave(waiting: Waiting): void {
    if (waiting.process.alive) waiting.leave();
    this.#waiting.delete(waiting);
  }

  #granted(
    { name, permits, limit, lease: { ...asked } }: LockWish,
    { token, lease: id, ttlMs }: Extract<LockAnswer, { kind: "granted" }>,
    sentMs: number,
  ): void {
    const own = "id" in asked && this.#lease?.id === id ? this.#lease : null;
    const shared = own ??
      this.#held.find(({ lease }) => lease.id === id)?.lease;
    shared?.renewed(sentMs);
    const lease = shared ?? new SimLease(id, ttlMs, sentMs);
    this.#held.push({ name, token, permits, lease });
    this.#world.probes.hit("lockGranted");
    this.#scene.believes(name, limit);
  }

  #release(held: Held): void {
    this.#held = this.#held.filter((one) => one !== held);
    this.#stale.push(held);
    const { name, token } = held;
    this.#ask(
      { kind: "lock", operation: { kind: "release", name, token } },
      () => {},
      undefined,
      () => this.#over(held.lease),
    );
  }

  /** Gives back, or claims, what was lost long ago. */
  #late({ name, token }: Held): void {
    this.#ask({
      kind: "lock",
      operation: this.#draw.chance(0.5)
        ? { kind: "release", name, token }
        : { kind: "claim", name, ticket: token },
    }, () => {});
  }

  #extend({ name, token, lease }: Held): void {
    const { now } = this.#world;
    this.#ask(
      { kind: "lock", operation: { kind: "extend", name, token } },
      (answer) => {
        if (answer.kind === "leased") lease.renewed(now);
        else this.#over(lease);
      },
    );
  }

  #end(): void {
    const lease = this.#lease;
    if (lease === null) return this.#notify();
    this.#over(lease);
    this.#ask(
      { kind: "lock", operation: { kind: "end", lease: lease.id } },
      () => {},
    );
  }

  #cancel(waiting: Waiting): void {
    const { wish: { name }, ticket } = waiting;
    this.#leave(waiting);
    this.#ask(
      { kind: "lock", operation: { kind: "cancel", name, ticket } },
      () => {},
    );
  }

  #write(under: Held | null): void {
    if (under === null) return this.#notify();
    const { name, token } = under;
    const notify = this.#draw.chance(0.3) ? this.#notices() : [];
    const spoiled = this.#draw.chance(0.15);
    this.#ask(
      guardedWrite({ name, token }, notify, spoiled),
      () => {},
      undefined,
      undefined,
      (reply) => {
        if (reply.kind !== "sql" || reply.result.ok) return;
        const { code } = reply.result.error;
        if (code === "fenced") this.#world.probes.hit("writeFenced");
      },
    );
  }

  #notify(): void {
    const notices = this.#notices().map(({ topic, data }) => ({
      topic,
      data: data as { kind: "text"; bytes: Uint8Array },
    }));
    this.#ask({ kind: "notify", notices }, () => {});
  }

  #notices(): WriteNotice[] {
    return Array.from({ length: this.#draw.pick([1, 1, 1, 2, 5]) }, () => ({
      topic: this.#draw.pick(["a", "b.c"]),
      data: {
        kind: "text",
        bytes: new TextEncoder().encode(`${this.#world.nextValue()}`),
      },
    }));
  }

  #over(lease: SimLease): void {
    lease.giveUp();
    this.#forgetLost();
  }

  /** Asks until it is answered, or for too long: then what hangs on its lease is given up. */
  #ask(
    asked: Asked,
    lockAnswered: (answer: LockAnswer) => void,
    sending: (process: SimMember) => void = () => {},
    unanswered: () => void = () => {},
    answered: (reply: Reply) => void = () => {},
  ): void {
    this.#requests.ask(asked, {
      sending,
      answered: (reply) => {
        answered(reply);
        if (reply.kind === "lock") lockAnswered(reply.answer);
        else unanswered();
        this.#next();
      },
      unanswered: () => {
        if (this.#lease !== null) this.#over(this.#lease);
        unanswered();
        this.#next();
      },
    });
  }
}
