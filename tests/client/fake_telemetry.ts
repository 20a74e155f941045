import type {
  MemberEvents,
  MemberEventsRequest,
  MemberSight,
  MemberTelemetry,
  Series,
  SeriesRequest,
  SlowReports,
} from "../../src/node/telemetry_port.ts";
import { report } from "../telemetry/reports.ts";

/** A member that is alone and well, and remembers what it was asked. */
export class FakeTelemetry implements MemberTelemetry {
  /** What it tells of events. */
  told: MemberEvents = { events: [], silent: [2] };
  readonly asked: (SeriesRequest | MemberEventsRequest)[] = [];

  reports(): readonly MemberSight[] {
    return [{
      nodeId: 1,
      member: "1.00000000000000ab",
      connected: true,
      ageMs: 0,
      report: report(1, { role: "leader" }),
    }];
  }

  series(request: SeriesRequest): Series {
    this.asked.push(request);
    return { stepMs: request.stepMs ?? 1_000, members: [] };
  }

  events(request: MemberEventsRequest): Promise<MemberEvents> {
    this.asked.push(request);
    return Promise.resolve(this.told);
  }

  slow(): Promise<SlowReports> {
    const statement = {
      atMs: 1_000,
      kind: "query",
      sql: "SELECT 1",
      ms: 300,
      failure: null,
    } as const;
    return Promise.resolve({
      members: [
        { nodeId: 1, limitMs: 250, statements: [statement] },
        { nodeId: 2, limitMs: null, statements: [] },
      ],
      silent: [3],
    });
  }
}
