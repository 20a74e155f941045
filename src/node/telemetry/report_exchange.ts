import type { Network } from "../../network/port.ts";
import {
  encodeJson,
  type PeerHandler,
  type PeerRequests,
} from "../../network/requests.ts";
import { type NodeId, nodeIdOf } from "../../raft/types.ts";
import { Timings } from "../../telemetry/timings.ts";
import { NO_BYTES } from "../../util/bytes.ts";
import type { Clock } from "../../util/clock.ts";
import type { MemberReport } from "../telemetry_port.ts";
import { reportFrom } from "./told_check.ts";

/** Tells a peer how this member is. */
const REPORT = "telemetry.report";

/** What the exchange needs from its node. */
export interface ReportExchangePorts {
  readonly clock: Clock;
  readonly network: Network;
  readonly requests: PeerRequests;
  /** A peer told how it is. */
  heard(report: MemberReport): void;
}

/** Tells the linked members once a second how this one is, and hears how they are; the answers show how long a round trip takes. */
export class ReportExchange {
  readonly #ports: ReportExchangePorts;
  readonly #times = new Map<NodeId, Timings>();
  readonly #lastMs = new Map<NodeId, number>();
  readonly #asked = new Set<NodeId>();

  /** Tells nothing yet. */
  constructor(ports: ReportExchangePorts) {
    this.#ports = ports;
  }

  /** Round trips to each node. */
  get times(): ReadonlyMap<NodeId, Timings> {
    return this.#times;
  }

  /** The last round trip to a node, ms; null: none was measured, or the link is down. */
  rttMs(node: NodeId): number | null {
    return this.#lastMs.get(node) ?? null;
  }

  /** What this member serves to others. */
  handlers(): Record<string, PeerHandler> {
    return {
      [REPORT]: ({ id }, body, answer) => {
        const report = reportFrom(body);
        // Nobody speaks for another one.
        const own = report?.member === id && report.nodeId === nodeIdOf(id);
        if (own) this.#ports.heard(report);
        answer(own, NO_BYTES);
      },
    };
  }

  /** Tells those of `nodes` that are linked; whoever has not answered the last time is left alone. */
  tell(report: MemberReport, nodes: readonly NodeId[]): void {
    const body = encodeJson(report);
    for (const node of nodes) {
      this.#times.get(node)?.tick();
      if (this.#ports.network.peer(node) === undefined) {
        this.#lastMs.delete(node);
      } else if (!this.#asked.has(node)) this.#tell(node, body);
    }
  }

  #tell(node: NodeId, body: Uint8Array): void {
    const { clock, requests } = this.#ports;
    const begun = clock.monotonic();
    this.#asked.add(node);
    requests.ask(node, REPORT, body, ({ kind }) => {
      this.#asked.delete(node);
      if (kind !== "ok") return;
      const ms = clock.monotonic() - begun;
      const times = this.#times.get(node) ?? new Timings();
      this.#times.set(node, times);
      times.record(ms);
      this.#lastMs.set(node, ms);
    }, "control");
  }
}
