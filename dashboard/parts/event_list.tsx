import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { formatDateTime, formatInteger, formatMoment } from "../format.ts";
import { href } from "../route.ts";
import { EVENT_WORDS } from "../words.ts";
import { serverNow } from "../state/session.ts";
import type { MemberEvent } from "../../src/node/telemetry_port.ts";
import { Chip, type Tone } from "./chip.tsx";

const BAD: readonly MemberEvent["kind"][] = [
  "leaderless",
  "contact_lost",
  "disk_full",
  "quarantined",
  "writes_refused",
];
const GOOD: readonly MemberEvent["kind"][] = [
  "contact_regained",
  "disk_room",
  "released",
];

/** The name of an event in an address: who saw it, and the number it has there. */
export function eventName({ nodeId, number }: MemberEvent): string {
  return `${nodeId}:${number}`;
}

/** What happened, the newest first. The one that is pointed at is brought into sight. */
export function EventList(
  { events, pointed = null }: {
    readonly events: readonly MemberEvent[];
    /** The name of an event. */
    readonly pointed?: string | null;
  },
): VNode {
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-current]")
      ?.scrollIntoView({ block: "center" });
  }, [pointed]);
  return (
    <ol class="events" ref={list}>
      {seenByAll(events).map(({ event, seenBy }) => (
        <li
          key={eventName(event)}
          aria-current={seenBy.some((each) => eventName(each) === pointed)
            ? "true"
            : undefined}
        >
          <a
            class="moment"
            href={href("events", ["log"], { event: eventName(event) })}
            title={`${formatDateTime(event.atMs)}, a link to this event`}
          >
            <time dateTime={new Date(event.atMs).toISOString()}>
              {formatMoment(event.atMs, serverNow())}
            </time>
          </a>
          <Chip tone={toneOf(event.kind)}>
            {EVENT_WORDS[event.kind] ?? event.kind}
          </Chip>
          <span class="what">
            <span class="break">{withNames(event.text)}</span>
            <small class="faint">
              seen by {seenBy.map(({ nodeId }) => `n${nodeId}`).join(", ")}
              {event.term > 0 ? ` · term ${formatInteger(event.term)}` : ""}
              {event.group !== null && event.group !== "db"
                ? ` · group ${event.group}`
                : ""}
              {timesOf(event)}
            </small>
          </span>
        </li>
      ))}
    </ol>
  );
}

/** Members tell of one thing within so long of each other, ms. */
const SAME_MS = 5000;

/** What several members saw is one line: events as they are listed, each with all that tell the same. */
function seenByAll(events: readonly MemberEvent[]) {
  const lines: { event: MemberEvent; seenBy: MemberEvent[] }[] = [];
  for (const event of events) {
    const same = lines.findLast((line) =>
      Math.abs(line.event.atMs - event.atMs) < SAME_MS &&
      line.event.kind === event.kind && line.event.text === event.text &&
      line.event.group === event.group && line.event.term === event.term &&
      !line.seenBy.some(({ nodeId }) => nodeId === event.nodeId)
    );
    if (same === undefined) lines.push({ event, seenBy: [event] });
    else same.seenBy.push(event);
  }
  for (const { seenBy } of lines) seenBy.sort((a, b) => a.nodeId - b.nodeId);
  return lines;
}

/** Members have the same names on every page. */
function withNames(text: string): string {
  return text.replaceAll(/\bnode (\d+)\b/g, "n$1");
}

/** Of refused writes the text has the number already. */
function timesOf({ count, kind }: MemberEvent): string {
  if (count <= 1 || kind === "writes_refused") return "";
  return ` · ${formatInteger(count)} times`;
}

function toneOf(kind: MemberEvent["kind"]): Tone {
  if (BAD.includes(kind)) return "danger";
  if (GOOD.includes(kind)) return "success";
  return kind === "leader" || kind === "transfer" ? "accent" : "neutral";
}
