import { HiqliteError } from "../../../errors.ts";
import type { RaftGroup } from "../../../group/group.ts";
import type { SqlMachine } from "../../../state/sql/port.ts";
import type { CommandResult } from "../../../state/sql/types.ts";
import {
  epochOf,
  eventId,
  type EventPlace,
  parseEventId,
} from "../../../state/topics/event_id.ts";
import { TopicFilter } from "../../../state/topics/topic_filter.ts";
import type {
  ListenRequest,
  MemberTopics,
  NotifyAnswer,
  NotifyRequest,
  TopicMessage,
  TopicsReport,
  WriteAnswer,
  WriteRequest,
} from "../../port.ts";
import { Attendance } from "../attendance.ts";
import { Followers } from "../followers.ts";
import { LatestEvents } from "./latest_events.ts";
import {
  type Start,
  TopicListener,
  type WaitingListener,
} from "./topic_listener.ts";

/** Listeners of a member: each of them is looked at whenever something is published. */
const LISTENERS_MAX = 1_000;

/** What topics need from their node. */
export interface TopicsPorts {
  group(): RaftGroup | null;
  machine(): SqlMachine;
  /** Empty before the cluster is formed. */
  clusterId(): string;
  /** Whether the state tells nothing of the cluster's yet. */
  blank(): boolean;
  write(request: WriteRequest): Promise<WriteAnswer>;
}

/**
 * Publishes events, and tells listeners of them. Each listener has a place in the events and asks for the next one
 * when it wants it, so one that is slow costs nothing and holds up nobody.
 */
export class Topics implements MemberTopics {
  readonly #ports: TopicsPorts;
  readonly #running = new Attendance();
  readonly #followers = new Followers("listen");
  readonly #waiting = new Set<WaitingListener>();
  #latest: LatestEvents | null = null;
  #lagged = 0;

  /** Of the group in `ports`. */
  constructor(ports: TopicsPorts) {
    this.#ports = ports;
  }

  /** See {@linkcode MemberTopics}. */
  async notify(
    { notices, ...rest }: NotifyRequest,
  ): Promise<NotifyAnswer> {
    const body = { kind: "notify", notices } as const;
    const { index, result } = await this.#ports.write({ body, ...rest });
    const last = lastOf(result);
    const epoch = epochOf(this.#ports.clusterId());
    const ids = notices.map((_, at) =>
      eventId({ epoch, index, number: last - notices.length + 1 + at })
    );
    return { ids, index };
  }

  /** See {@linkcode MemberTopics}. */
  listen(request: ListenRequest): AsyncIterable<TopicMessage> {
    const { topics, since, signal, placesMs } = request;
    const filter = new TopicFilter(topics);
    const asked = since === undefined || since === "oldest"
      ? null
      : parseEventId(since, "since");
    if (this.#running.count >= LISTENERS_MAX) {
      throw new HiqliteError(
        "overloaded",
        `There are ${LISTENERS_MAX} listeners at this member, the most it takes: end some, or listen through another one`,
      );
    }
    const start = this.#start(since, asked);
    const listener = new TopicListener({
      latest: () => this.#present(),
      await: (waiting, ms) => this.#await(waiting, signal, ms),
      lagged: () => this.#lagged++,
      goesOn: () => this.#followers.goesOn(signal),
    }, { filter, start, placesMs });
    return this.#running.while(
      listener.messages(),
      signal,
      () => () => this.#rest(),
    );
  }

  /** See {@linkcode MemberTopics}. */
  report(): TopicsReport {
    const { first, last, before, total } = this.#ports.machine().retainedEvents;
    return {
      published: last,
      retained: last - first + 1,
      bytes: total - before,
      listeners: this.#running.count,
      lagged: this.#lagged,
    };
  }

  /** Has listeners see another loop of the group. Call it a few times a second. */
  tick(): void {
    if (this.#latest !== null) this.#present();
  }

  /** Ends all listeners, and those to come. */
  close(): void {
    this.#latest?.stop();
    this.#latest = null;
    this.#followers.close();
  }

  /** Where a listener begins. @throws {HiqliteError} `no_leader` */
  #start(since: string | undefined, asked: EventPlace | null): Start {
    const epoch = this.#ports.group() === null ? "" : this.#epoch;
    if (epoch === "") {
      throw new HiqliteError(
        "no_leader",
        "This member has not joined its cluster yet: listen through another one",
      );
    }
    if (asked !== null) return { kind: "asked", place: asked };
    // Or what was published long ago would be told as what has just been.
    if (this.#ports.blank()) {
      throw new HiqliteError(
        "no_leader",
        "This member began empty and does not have the cluster's data yet: listen through another one",
      );
    }
    const { applied: { index }, retainedEvents } = this.#ports.machine();
    const number = since === undefined
      ? retainedEvents.last
      : retainedEvents.first - 1;
    return { kind: "known", place: { epoch, index, number } };
  }

  /** The latest events of the present loop; null while there is none. */
  #present(): LatestEvents | null {
    const group = this.#ports.group();
    if (group !== null && this.#latest?.group === group) return this.#latest;
    const epoch = this.#epoch;
    if (group === null || epoch === "") return null;
    this.#latest?.stop();
    const machine = this.#ports.machine();
    this.#latest = new LatestEvents(group, machine, epoch, () => this.#look());
    this.#followers.wakeAll();
    return this.#latest;
  }

  get #epoch(): string {
    return epochOf(this.#ports.clusterId());
  }

  /** Without listeners events are not read. */
  #rest(): void {
    if (this.#running.count > 0) return;
    this.#latest?.stop();
    this.#latest = null;
  }

  /** Wakes those for whom there is something. */
  #look(): void {
    const latest = this.#latest;
    if (latest === null) return;
    for (const waiting of this.#waiting) waiting.look(latest);
  }

  /** Until `waiting` is woken, the signal aborts, or the member stops; at the latest after `ms`, and then true. */
  #await(
    waiting: WaitingListener | null,
    signal: AbortSignal | undefined,
    ms: number | undefined,
  ): Promise<boolean> {
    return this.#followers.woken(
      signal,
      ms,
      waiting === null ? undefined : (wake) => {
        waiting.wake = wake;
        this.#waiting.add(waiting);
        return () => void this.#waiting.delete(waiting);
      },
    );
  }
}

/** The number of the last event that was published. @throws {HiqliteError} if none was */
function lastOf(result: CommandResult): number {
  if (!result.ok) {
    const { code, message } = result.error;
    throw new HiqliteError(code, message);
  }
  return Number(result.results[0]!.lastInsertRowid);
}
