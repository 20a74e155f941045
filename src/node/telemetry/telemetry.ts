import type { Network } from "../../network/port.ts";
import type { PeerHandler, PeerRequests } from "../../network/requests.ts";
import { type MemberId, type NodeId, nodeIdOf } from "../../raft/types.ts";
import type { Outcomes } from "../../telemetry/outcomes.ts";
import type { Timings } from "../../telemetry/timings.ts";
import type { Clock } from "../../util/clock.ts";
import type { HostedGroup } from "../groups/hosted_group.ts";
import type { HealthStatus } from "../port.ts";
import type {
  MemberEvents,
  MemberEventsRequest,
  MemberReport,
  MemberSight,
  MemberTelemetry,
  Series,
  SeriesRequest,
  SlowReport,
  SlowReports,
} from "../telemetry_port.ts";
import { Contacts } from "./contacts.ts";
import { EventExchange } from "./event_exchange.ts";
import { LinkEvents } from "./link_events.ts";
import { type NewEvent, OwnEvents } from "./own_events.ts";
import { GroupWatch } from "./group_watch.ts";
import { SeriesOfMembers } from "./member_series.ts";
import { type Measures, ownReport } from "./own_report.ts";
import { RefusedWrites } from "./refused_writes.ts";
import { ReportExchange } from "./report_exchange.ts";
import { SlowExchange } from "./slow_exchange.ts";
import { measureVolume, NO_SIZES, type VolumeSizes } from "./volume_sizes.ts";

/** Between two reports, ms. */
const REPORT_MS = 1_000;
/** Between two looks at sizes on the disk, reports. */
const SIZES_REPORTS = 5;
/** What is heard of a node that belongs to nothing any more is kept for so long, ms. */
const FORGET_MS = 600_000;

/** What telemetry needs from its node. */
export interface TelemetryPorts {
  readonly nodeId: NodeId;
  readonly clock: Clock;
  readonly network: Network;
  readonly requests: PeerRequests;
  readonly durable: HostedGroup;
  readonly groups: Iterable<HostedGroup>;
  readonly measures: Measures;
  readonly writes: Outcomes;
  readonly queries: Outcomes;
  /** How late the event loop served its timer. */
  readonly loopLag: Timings;
  /** Nodes that this member knows of, without itself. */
  others(): readonly NodeId[];
  /** Members of the durable group, as this one knows them. */
  members(): readonly MemberId[];
  /** The database's file; null if there is none now. */
  databasePath(): string | null;
  pending(): number;
  /** Statements of this member's clients that took long. */
  slow(): SlowReport;
  /** What it told its witnesses last of its state; null if it has not. */
  checksum(): MemberReport["checksum"];
  quarantine(): string | null;
  ready(): HealthStatus;
}

/** What a member knows of itself and of the others, for people: nothing here decides anything. */
export class Telemetry implements MemberTelemetry {
  readonly #ports: TelemetryPorts;
  readonly #startedMs: number;
  /** When anything came from each peer. */
  readonly contacts: Contacts;
  /** Round trips. */
  readonly exchange: ReportExchange;
  /** What happened to each group here. */
  readonly groups: readonly GroupWatch[];
  readonly #events: OwnEvents;
  /** Tells of links with other members. */
  readonly links: LinkEvents;
  readonly #eventExchange: EventExchange;
  readonly #slowExchange: SlowExchange;
  readonly #series = new SeriesOfMembers();
  readonly #refused: RefusedWrites;
  readonly #heard = new Map<NodeId, { report: MemberReport; atMs: number }>();
  #sizes: VolumeSizes = NO_SIZES;
  #measuring = false;
  #reports = 0;
  #reportedMs = -Infinity;
  #quarantine: string | null = null;

  /** Notes that the member was started. */
  constructor(ports: TelemetryPorts) {
    const { clock, network, requests, nodeId, measures } = ports;
    this.#ports = ports;
    this.#startedMs = clock.monotonic();
    this.contacts = new Contacts(clock);
    this.exchange = new ReportExchange({
      clock,
      network,
      requests,
      heard: (report) => this.#onReport(report),
    });
    this.#events = new OwnEvents(nodeId, clock);
    this.links = new LinkEvents(this.#events);
    this.#eventExchange = new EventExchange(network, requests, this.#events);
    this.#slowExchange = new SlowExchange(network, requests, ports.slow);
    this.#refused = new RefusedWrites(this.#events);
    this.groups = [...ports.groups].map((hosted) =>
      new GroupWatch(hosted, this.#events, () => clock.wall())
    );
    this.note({
      kind: "started",
      text: `node ${nodeId} was started, version ${measures.version}`,
    });
  }

  /** How much room there was on the disk when it was looked at last. */
  get sizes(): VolumeSizes {
    return this.#sizes;
  }

  /** See {@linkcode MemberReport.quarantine}. */
  get quarantine(): string | null {
    return this.#quarantine;
  }

  /** What this member serves to others. */
  handlers(): Record<string, PeerHandler> {
    return {
      ...this.exchange.handlers(),
      ...this.#eventExchange.handlers(),
      ...this.#slowExchange.handlers(),
    };
  }

  /** See {@linkcode MemberTelemetry.slow}. */
  slow(): Promise<SlowReports> {
    const { nodeId } = this.#ports;
    return this.#slowExchange.collect(nodeId, this.#otherNodes());
  }

  /** Something happened to this member. */
  note(event: NewEvent): void {
    this.#events.note(event);
  }

  /** Looks what changed in the groups. */
  look(): void {
    for (const group of this.groups) group.look();
    const quarantine = this.#ports.quarantine();
    if (quarantine === this.#quarantine) return;
    this.#quarantine = quarantine;
    this.note(
      quarantine === null
        ? { kind: "released", text: "this member's data is trusted again" }
        : { kind: "quarantined", text: quarantine },
    );
  }

  /** Reports once a second. Call it a few times a second. */
  tick(): void {
    this.look();
    const { clock, writes, queries, measures, loopLag } = this.#ports;
    const nowMs = clock.monotonic();
    if (nowMs - this.#reportedMs < REPORT_MS) return;
    // So that a tick that is late makes none of the next ones so.
    this.#reportedMs = Math.max(
      this.#reportedMs + REPORT_MS,
      nowMs - REPORT_MS,
    );
    this.#refused.look(writes.failures, nowMs);
    if (this.#reports++ % SIZES_REPORTS === 0) this.#measure();
    const report = this.#own();
    this.#onReport(report);
    this.exchange.tell(report, this.#ports.others());
    this.#forget(nowMs);
    for (
      const times of [writes.times, queries.times, measures.syncs, loopLag]
    ) times.tick();
  }

  reports(): readonly MemberSight[] {
    const { nodeId, durable, clock, network } = this.#ports;
    const members = new Map(
      this.#ports.members().map((id) => [nodeIdOf(id), id]),
    );
    members.set(nodeId, durable.self);
    const nodes = new Set([...members.keys(), ...this.#heard.keys()]);
    const nowMs = clock.monotonic();
    return [...nodes].sort((a, b) => a - b).map((node): MemberSight => {
      const own = node === nodeId;
      const heard = this.#heard.get(node);
      return {
        nodeId: node,
        member: members.get(node) ?? heard?.report.member ?? null,
        connected: own || network.peer(node) !== undefined,
        ageMs: own ? 0 : heard === undefined ? null : nowMs - heard.atMs,
        report: own ? this.#own() : heard?.report ?? null,
      };
    });
  }

  series(request: SeriesRequest): Series {
    return this.#series.read(request);
  }

  events(request: MemberEventsRequest): Promise<MemberEvents> {
    const { nodeId } = this.#ports;
    return this.#eventExchange.collect(request, nodeId, this.#otherNodes());
  }

  /** Who belongs to the cluster or is configured, without this one. */
  #otherNodes(): NodeId[] {
    const nodes = new Set([
      ...this.#ports.members().map(nodeIdOf),
      ...this.#ports.others(),
    ]);
    nodes.delete(this.#ports.nodeId);
    return [...nodes].sort((a, b) => a - b);
  }

  #own(): MemberReport {
    const { clock, durable, loopLag } = this.#ports;
    const watch = this.groups.find(({ name }) => name === durable.name);
    return ownReport({
      ...this.#ports,
      atMs: clock.wall(),
      uptimeMs: clock.monotonic() - this.#startedMs,
      sizes: this.#sizes,
      leaderChanges: watch?.leaderChanges ?? 0,
      peers: this.#ports.others().map((nodeId) => ({
        nodeId,
        contactMs: this.contacts.ageMs(nodeId),
        rttMs: this.exchange.rttMs(nodeId),
      })),
      pending: this.#ports.pending(),
      checksum: this.#ports.checksum(),
      loopLagMs: loopLag.recent()?.maxMs ?? 0,
      quarantine: this.#quarantine,
      ready: this.#ports.ready(),
      newestEvent: this.#events.newest,
    });
  }

  #onReport(report: MemberReport): void {
    const { clock } = this.#ports;
    this.#heard.set(report.nodeId, { report, atMs: clock.monotonic() });
    const commit = Math.max(
      ...[...this.#heard.values()].map(({ report }) => report.commitIndex),
    );
    this.#series.add(report, commit, clock.wall());
  }

  /** Nodes that belong to nothing any more, and say nothing. */
  #forget(nowMs: number): void {
    for (const [node, { atMs }] of this.#heard) {
      const known = this.#ports.members().some((id) => nodeIdOf(id) === node);
      if (known || nowMs - atMs < FORGET_MS) continue;
      this.#heard.delete(node);
      this.#series.forget(node);
    }
  }

  #measure(): void {
    const path = this.#ports.databasePath();
    if (path === null || this.#measuring) return;
    this.#measuring = true;
    void measureVolume(path).then((sizes) => {
      this.#sizes = sizes;
      this.#measuring = false;
    });
  }
}
