import { computed, type ReadonlySignal, signal } from "@preact/signals";
import { type ApiError, call } from "../api.ts";
import { type Health, healthOf, withChecksums } from "../health.ts";
import { joined } from "../series.ts";
import { heardTime } from "./session.ts";
import { POINTS_MAX } from "./telemetry.ts";
import type { ClusterView } from "../cluster_view.ts";
import type { MemberSight, Series } from "../../src/node/telemetry_port.ts";
import { toldFromJson } from "../../src/api/telemetry_json.ts";

/** How often the overview is asked for, ms: while the page is looked at, and while it is not. */
const VISIBLE_MS = 1000;
const HIDDEN_MS = 10_000;
/** Nobody has touched the page for so long: it stops asking, ms. */
const IDLE_MS = 30 * 60_000;
/** A member that says nothing for so long does not answer, ms. */
const ANSWER_MS = 5000;
/** One that was silent may be slow, as after a restart: it gets longer, ms. */
const SLOW_ANSWER_MS = 15_000;
const RETRY_MS_MAX = 2000;
/** Kept beyond those that are drawn: the newest are left out. */
const SPARE_POINTS = 60;

/** The member does not answer. */
export interface Silence {
  /** How often it was asked since it last answered. */
  readonly tries: number;
  readonly error: ApiError;
}

const current = signal<ClusterView | null>(null);
const silent = signal<Silence | null>(null);
const asleep = signal(false);
let timer: ReturnType<typeof setTimeout> | undefined;
let running: AbortController | undefined;
let touchedAt = performance.now();

/** The newest view; stays when the member stops answering. */
export const clusterView: ReadonlySignal<ClusterView | null> = current;

/** Set while the member does not answer. */
export const silence: ReadonlySignal<Silence | null> = silent;

/** Nobody looks: nothing is asked until somebody touches the page. */
export const sleeping: ReadonlySignal<boolean> = asleep;

/** How the cluster is, in a word. */
export const health: ReadonlySignal<Health | null> = computed(() =>
  current.value === null ? null : healthOf(current.value)
);

/** Begins to ask; answers how to stop. */
export function followCluster(): () => void {
  const stop = new AbortController();
  const { signal } = stop;
  const touched = (): void => {
    touchedAt = performance.now();
    if (asleep.value) askNow();
  };
  for (const kind of ["pointerdown", "pointermove", "keydown", "focus"]) {
    addEventListener(kind, touched, { passive: true, signal });
  }
  for (const kind of ["online", "focus"]) {
    addEventListener(kind, () => silent.value !== null && askNow(), { signal });
  }
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState === "visible") {
      touched();
      askNow();
    }
  }, { signal });
  askNow();
  return () => {
    stop.abort();
    clearTimeout(timer);
    running?.abort();
    current.value = null;
    silent.value = null;
  };
}

/** Asks now, and then at the usual times again. */
export function askNow(): void {
  clearTimeout(timer);
  running?.abort();
  asleep.value = false;
  const own = new AbortController();
  running = own;
  void ask(own.signal).then(() => {
    if (own.signal.aborted) return;
    if (performance.now() - touchedAt > IDLE_MS) fallAsleep();
    else timer = setTimeout(askNow, pauseMs());
  });
}

function fallAsleep(): void {
  asleep.value = true;
  if (current.value !== null) current.value = { ...current.value, series: [] };
}

function pauseMs(): number {
  if (silent.value !== null) {
    return Math.min(RETRY_MS_MAX, 500 * silent.value.tries);
  }
  return document.visibilityState === "visible" ? VISIBLE_MS : HIDDEN_MS;
}

async function ask(aborted: AbortSignal): Promise<void> {
  const answerMs = silent.value === null ? ANSWER_MS : SLOW_ANSWER_MS;
  try {
    const answer = await call("overview", {
      background: true,
      signal: AbortSignal.any([aborted, AbortSignal.timeout(answerMs)]),
    });
    if (aborted.aborted) return;
    heardTime(answer.now_ms);
    const sights = toldFromJson<readonly MemberSight[]>(answer.reports);
    current.value = {
      nodeId: answer.node_id,
      nowMs: answer.now_ms,
      cluster: answer.cluster,
      sights,
      checksums: withChecksums(current.value?.checksums ?? new Map(), sights),
      // An answer has the newest seconds only. Over a hole nothing is joined: the page reads the series again.
      series: joined(
        silent.value === null ? current.value?.series ?? [] : [],
        toldFromJson<Series>({ members: answer.series }).members,
        POINTS_MAX[1000] + SPARE_POINTS,
      ),
      newestEvent: answer.newest_event,
    };
    silent.value = null;
  } catch (error) {
    if (aborted.aborted) return;
    const tries = (silent.value?.tries ?? 0) + 1;
    silent.value = { tries, error: error as ApiError };
  }
}
