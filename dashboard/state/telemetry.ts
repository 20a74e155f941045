import { call } from "../api.ts";
import type { MemberEvents, Series } from "../../src/node/telemetry_port.ts";
import { toldFromJson } from "../../src/api/telemetry_json.ts";

/** Points of a second, or of a minute. */
export type SeriesStep = 1_000 | 60_000;

/** How many points are drawn: 15 minutes of seconds, 24 hours of minutes. */
export const POINTS_MAX: Readonly<Record<SeriesStep, number>> = {
  1_000: 900,
  60_000: 1440,
};

/** How all members were over time. */
export async function readSeries(
  stepMs: SeriesStep,
  signal: AbortSignal,
): Promise<Series> {
  const query = { step_ms: stepMs };
  return toldFromJson<Series>(
    await call("series", { query, signal, background: true }),
  );
}

/** What happened to the members, the newest so many. */
export async function readEvents(
  limit: number,
  signal: AbortSignal,
): Promise<MemberEvents> {
  const query = { limit };
  return toldFromJson<MemberEvents>(
    await call("events", { query, signal, background: true }),
  );
}
