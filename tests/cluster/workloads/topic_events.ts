import { ERROR_EVENT } from "../../../src/api/server_event.ts";
import { topicMessageOf } from "../../../src/api/topics.ts";
import { parseServerEvents } from "../../../src/client/server_events.ts";
import { randomBetween } from "../../../src/util/random.ts";
import { checkHeard, type Heard } from "../../checker/heard.ts";
import type { MemberApi } from "../api.ts";
import type { Ending } from "../recorder.ts";
import { retried } from "./retry.ts";
import { CALL_MS, endingOf, type Workload } from "./workload.ts";

const TOPIC = "events";
/** One operation in so many is a visit of the listener. */
const VISITS = 3;
/** How long a visit lasts at most, ms. */
const VISIT_MS = 400;
/** How long the last visits may take, ms. */
const LAST_MS = 10_000;

/**
 * Events with unique numbers, repeated until they are answered, and one listener that goes from member to member with
 * the id of what it heard last, often in the middle of what there is.
 */
export function topicEventsWorkload(): Workload {
  const listener = new Listener();
  let unique = 0;
  return {
    name: "topic-events",
    schema: [],
    operate: async (context) => {
      const { random, recorder, process, node, api } = context;
      if (!listener.busy && randomBetween(random, 0, VISITS) === 0) {
        const most = randomBetween(random, 1, 20);
        return await recorder.record(
          process,
          { f: "hear", value: null, node },
          () => listener.visit(api, most, VISIT_MS),
        );
      }
      const value = ++unique;
      return await recorder.record(
        process,
        { f: "add", value, node },
        async () =>
          endingOf(
            await retried(
              context,
              (api, idempotencyKey) =>
                api.notify(TOPIC, String(value), {
                  timeoutMs: CALL_MS,
                  idempotencyKey,
                }),
            ),
            () => null,
          ),
      );
    },
    finish: async ({ recorder, process, api, node }) => {
      const value = ++unique;
      const end = await recorder.record(
        process,
        { f: "add", value, node },
        async () =>
          endingOf(
            await api.notify(TOPIC, String(value), {
              timeoutMs: CALL_MS,
              idempotencyKey: crypto.randomUUID(),
            }),
            () => null,
          ),
      );
      if (end.type !== "ok") return end;
      return await recorder.record(
        recorder.newProcess(),
        { f: "hear", value: "all", node },
        () => listener.visit(api, Infinity, LAST_MS, value),
      );
    },
    check: checkHeard,
  };
}

/** A place in the events, and nothing else. */
class Listener {
  #since = "";
  busy = false;

  /** Hears so many events at a member, or those of a while, or until it has heard `last`. */
  async visit(
    api: MemberApi,
    most: number,
    ms: number,
    last?: number,
  ): Promise<Ending> {
    this.busy = true;
    const since = this.#since;
    const heard: Heard[] = [];
    const cut = new AbortController();
    const late = setTimeout(() => cut.abort(), ms);
    try {
      await this.#hear(api, cut.signal, (event) => {
        heard.push(event);
        return heard.length < most && event.data !== last;
      });
    } catch (error) {
      // Cut off by ourselves, or the member ended: what was heard was heard.
      if (heard.length === 0 && !cut.signal.aborted) {
        return { type: "fail", error: `${error}` };
      }
    } finally {
      clearTimeout(late);
      cut.abort();
      this.busy = false;
    }
    if (last !== undefined && heard.at(-1)?.data !== last) {
      this.#since = since;
      return { type: "fail", error: `${last} was not heard` };
    }
    return { type: "ok", value: heard };
  }

  async #hear(
    api: MemberApi,
    signal: AbortSignal,
    hears: (event: Heard) => boolean,
  ): Promise<void> {
    const response = await api.listen(TOPIC, this.#since, signal);
    if (!response.ok) throw new Error(await response.text());
    // The runtime forgets a fetch's own signal once nobody holds its response, and its body would never end.
    const body = response.body!
      .pipeThrough(new TransformStream<Uint8Array>(), { signal });
    for await (const event of parseServerEvents(body)) {
      // The member ends the stream, and says why.
      if (event.event === ERROR_EVENT) {
        throw new Error(JSON.stringify(event.data));
      }
      const message = topicMessageOf(event);
      this.#since = message.id;
      if (message.kind === "place") continue;
      const { id } = message;
      const data = message.kind === "event"
        ? Number(new TextDecoder().decode(message.data.bytes))
        : message.kind;
      if (!hears({ id, data })) return;
    }
  }
}
