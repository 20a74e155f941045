import type { VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { urlOf } from "../api.ts";
import { formatTime } from "../format.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { readSse } from "../sse.ts";

/** So many are kept: the newest. */
const KEPT = 1000;
/** The stream is opened again after so long, ms. */
const AGAIN_MS = 2000;

/** Something that was published, as it came. */
interface Heard {
  readonly key: number;
  readonly atMs: number;
  readonly topic: string;
  readonly data: string;
}

/** What is published, as it comes. Nothing is asked for while the page is hidden. */
export function NotifyTail(): VNode {
  const [heard, setHeard] = useState<readonly Heard[]>([]);
  const [paused, setPaused] = useState(false);
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState("");
  const count = useRef(0);
  useEffect(() => {
    if (paused) return;
    return whileVisible((signal) =>
      listen(signal, setOpen, (topic, data) => {
        const next = { key: ++count.current, atMs: Date.now(), topic, data };
        setHeard((before) => [next, ...before].slice(0, KEPT));
      })
    );
  }, [paused]);
  const wanted = filter.toLowerCase();
  const shown = heard.filter(({ topic, data }) =>
    `${topic} ${data}`.toLowerCase().includes(wanted)
  );
  return (
    <section class="card">
      <header>
        <h2>Notifications</h2>
        <Chip tone={open ? "success" : "neutral"}>
          {paused ? "Paused" : open ? "Listening" : "Connecting"}
        </Chip>
        <div class="end">
          <input
            class="input compact filter"
            type="search"
            data-filter
            aria-label="Filter notifications"
            placeholder="Filter"
            value={filter}
            onInput={(event) => setFilter(event.currentTarget.value)}
          />
          <Button
            compact
            icon={paused ? "play" : "pause"}
            onClick={() => setPaused(!paused)}
          >
            {paused ? "Go on" : "Pause"}
          </Button>
        </div>
      </header>
      <Tail shown={shown} any={heard.length > 0} />
    </section>
  );
}

function Tail(
  { shown, any }: {
    readonly shown: readonly Heard[];
    /** Something was heard, whether it is shown or not. */
    readonly any: boolean;
  },
): VNode {
  return (
    <>
      {shown.length === 0
        ? (
          <EmptyState
            icon="bell"
            title={any ? "None is like this" : "Nothing yet"}
          >
            {any
              ? "Try a shorter word."
              : "What programs publish appears here, from now on."}
          </EmptyState>
        )
        : (
          <ol class="events">
            {shown.map(({ key, atMs, topic, data }) => (
              <li key={key}>
                <time dateTime={new Date(atMs).toISOString()}>
                  {formatTime(atMs)}
                </time>
                <Chip tone="accent" title={topic}>{topic}</Chip>
                <code class="break">{data}</code>
              </li>
            ))}
          </ol>
        )}
    </>
  );
}

/** Runs it while the page is looked at; answers how to end that. */
function whileVisible(run: (signal: AbortSignal) => Promise<void>): () => void {
  let stop = new AbortController();
  const changed = (): void => {
    stop.abort();
    stop = new AbortController();
    if (document.visibilityState === "visible") void run(stop.signal);
  };
  document.addEventListener("visibilitychange", changed);
  changed();
  return () => {
    document.removeEventListener("visibilitychange", changed);
    stop.abort();
  };
}

/** Listens until it is told to stop, also after the stream has broken. */
async function listen(
  signal: AbortSignal,
  opened: (open: boolean) => void,
  hear: (topic: string, data: string) => void,
): Promise<void> {
  let last: string | undefined;
  while (!signal.aborted) {
    try {
      const response = await fetch(urlOf("notify"), {
        signal,
        cache: "no-store",
        headers: last === undefined ? {} : { "last-event-id": last },
      });
      if (response.ok && response.body !== null) {
        opened(true);
        for await (const { id, event, data } of readSse(response.body)) {
          if (id !== undefined) last = id;
          if (event !== "message" && data !== "") hear(event, data);
        }
      }
    } catch {
      // Closed, or the member does not answer: the banner says so.
    }
    opened(false);
    await new Promise((resume) => setTimeout(resume, AGAIN_MS));
  }
}
