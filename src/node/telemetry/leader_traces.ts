import type { PeerHandler } from "../../network/requests.ts";
import type { LogIndex, MemberId } from "../../raft/types.ts";
import type { ProposalWatch } from "../groups/forwarding.ts";
import {
  decodeTraceNotice,
  TRACE,
  type TraceNotice,
} from "../groups/trace_notice.ts";
import type { Traces } from "../../telemetry/traces.ts";
import { NO_BYTES } from "../../util/bytes.ts";

/** Notices that wait for their proposal; of more the oldest is forgotten. */
const NOTICES_MAX = 1_000;
/** Steps that are remembered while something is traced. */
const MARKS_MAX = 4_096;

/** How far a group's log is. */
export interface LogExtent {
  readonly lastIndex: LogIndex;
  readonly commit: LogIndex;
}

interface ExtentMark extends LogExtent {
  readonly group: TraceNotice["group"];
  readonly atMs: number;
}

/** A proposal of another member that was traced. */
interface Traced {
  readonly group: TraceNotice["group"];
  readonly traceparent: string;
  readonly beganMs: number;
  /** Its entry's; null if it got none. */
  readonly index: LogIndex | null;
  /** Why it was not applied. */
  readonly failure: string | null;
}

/** What leader traces need. */
export interface LeaderTracesPorts {
  readonly traces: Pick<Traces, "tellPart" | "listening">;
  /** Of a group; null while this member takes no part. */
  extent(group: TraceNotice["group"]): LogExtent | null;
  /** Milliseconds since 1970. */
  readonly now: () => number;
}

/**
 * A leader's part of the writes that other members trace: when a proposal was in the log, when it was committed, and when
 * it was applied. The group knows nothing of it: how far its log is, is noted at each step while something is traced.
 */
export class LeaderTraces {
  readonly #ports: LeaderTracesPorts;
  /** Traces by the sender and the number of the proposal. */
  readonly #notices = new Map<string, string>();
  #marks: ExtentMark[] = [];
  #open = 0;

  /** Knows of no trace. */
  constructor(ports: LeaderTracesPorts) {
    this.#ports = ports;
  }

  /** Hears of traces from other members. */
  handlers(): Record<string, PeerHandler> {
    return {
      [TRACE]: ({ id }, body, answer) => {
        if (this.#ports.traces.listening) this.#note(id, body);
        answer(true, NO_BYTES);
      },
    };
  }

  /** See {@linkcode ProposalWatch}. */
  readonly watch: ProposalWatch = (from, group, sequence) => {
    if (this.#notices.size === 0) return null;
    const key = keyOf(from, group, sequence);
    const traceparent = this.#notices.get(key);
    if (traceparent === undefined) return null;
    this.#notices.delete(key);
    const beganMs = this.#ports.now();
    this.#open++;
    return (index, failure) => {
      this.#tell({ group, traceparent, beganMs, index, failure });
      this.#open--;
      if (this.#open === 0) this.#marks = [];
    };
  };

  /** A group made a step. */
  stepped(group: TraceNotice["group"]): void {
    if (this.#open === 0) return;
    const extent = this.#ports.extent(group);
    if (extent === null) return;
    const { lastIndex, commit } = extent;
    const last = this.#marks.findLast((mark) => mark.group === group);
    if (last?.lastIndex === lastIndex && last.commit === commit) return;
    this.#marks.push({ group, lastIndex, commit, atMs: this.#ports.now() });
    if (this.#marks.length > MARKS_MAX) this.#marks.shift();
  }

  #note(from: MemberId, body: Uint8Array): void {
    const { group, sequence, traceparent } = decodeTraceNotice(body);
    this.#notices.set(keyOf(from, group, sequence), traceparent);
    if (this.#notices.size <= NOTICES_MAX) return;
    const [oldest] = this.#notices.keys();
    this.#notices.delete(oldest!);
  }

  #tell({ group, traceparent, beganMs, index, failure }: Traced): void {
    const endedMs = this.#ports.now();
    const reached = (which: keyof LogExtent): number => {
      const mark = this.#marks.find((each) =>
        each.group === group && each.atMs >= beganMs &&
        each[which] >= index!
      );
      return mark?.atMs ?? endedMs;
    };
    const logMs = index === null ? endedMs : reached("lastIndex");
    const commitMs = index === null ? endedMs : reached("commit");
    const propose = { name: "hiqlite.propose", beganMs, endedMs: logMs };
    const steps = index === null ? [propose] : [
      propose,
      { name: "hiqlite.commit", beganMs: logMs, endedMs: commitMs },
      { name: "hiqlite.apply", beganMs: commitMs, endedMs },
    ];
    const whole = { name: "hiqlite.lead", beganMs, endedMs };
    this.#ports.traces.tellPart(traceparent, whole, steps, failure);
  }
}

function keyOf(from: MemberId, group: number, sequence: number): string {
  return `${from} ${group} ${sequence}`;
}
