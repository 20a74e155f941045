import type { ApiFence } from "./api.ts";

/** What fake locks and topics do wrong. */
export type ServiceDefect =
  /** Take a writer's word for it that it holds its lock. */
  | "believe"
  /** Never tell of some events. */
  | "hush"
  /** Tell some events twice. */
  | "repeat"
  /** Tell some events after those that were published later. */
  | "swap";

interface Held {
  readonly token: number;
  readonly untilMs: number;
}

const POLL_MS = 10;

/** Locks and one topic, without a cluster. */
export class FakeServices {
  readonly #wrong: (defect: ServiceDefect) => boolean;
  readonly #believes: boolean;
  readonly #held = new Map<string, Held>();
  readonly #keys = new Map<string, object>();
  /** Data of all events, in the order in which they are told. */
  readonly #events: string[] = [];
  #tokens = 0;

  /** `wrong` says whether this time a defect shows; who `believes` does so each time, since few lose their lock. */
  constructor(wrong: (defect: ServiceDefect) => boolean, believes: boolean) {
    this.#wrong = wrong;
    this.#believes = believes;
  }

  /** Whether a write with this fence happens. */
  mayWrite(fence: ApiFence | undefined): boolean {
    if (fence === undefined || this.#believes) return true;
    return this.#living(fence.name)?.token === fence.token;
  }

  /** Null for what is no lock and no topic. */
  async answer(request: Request): Promise<Response | null> {
    const { pathname, searchParams } = new URL(request.url);
    const [, , , kind, name] = pathname.split("/");
    switch (kind) {
      case "lock":
        return request.method === "DELETE"
          ? this.#release(name!, Number(searchParams.get("token")))
          : await this.#acquire(name!, await request.json());
      case "notify":
        return this.#notify(request, (await request.json()).data);
      case "listen":
        return this.#listen(request);
      default:
        return null;
    }
  }

  #living(name: string): Held | undefined {
    const held = this.#held.get(name);
    return held !== undefined && held.untilMs > performance.now()
      ? held
      : undefined;
  }

  async #acquire(
    name: string,
    { ttl_ms, wait_ms }: { readonly ttl_ms: number; readonly wait_ms: number },
  ): Promise<Response> {
    const deadline = performance.now() + wait_ms;
    while (this.#living(name) !== undefined) {
      if (performance.now() > deadline) {
        const error = { code: "lock_held", message: "others have it" };
        return Response.json({ error }, { status: 409 });
      }
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
    const token = ++this.#tokens;
    this.#held.set(name, { token, untilMs: performance.now() + ttl_ms });
    return Response.json({ token, lease: token });
  }

  #release(name: string, token: number): Response {
    const released = this.#living(name)?.token === token;
    if (released) this.#held.delete(name);
    return Response.json({ released });
  }

  #notify({ headers }: Request, data: string): Response {
    const key = headers.get("idempotency-key")!;
    const known = this.#keys.get(key);
    if (known !== undefined) return Response.json(known);
    const last = this.#events.pop();
    if (this.#wrong("swap")) this.#events.push(data, ...last ? [last] : []);
    else this.#events.push(...last ? [last] : [], data);
    if (this.#wrong("hush")) this.#events.pop();
    if (this.#wrong("repeat")) this.#events.push(data);
    const answer = { ids: [this.#idOf(this.#events.length)] };
    this.#keys.set(key, answer);
    return Response.json(answer);
  }

  /** What there is, and then the end. */
  #listen({ headers }: Request): Response {
    const since = headers.get("last-event-id") ?? "x-0-0";
    const [after] = since.split("-").slice(2).map(Number) as [number];
    const events = this.#events.slice(after).map((data, at) =>
      `id: ${this.#idOf(after + at + 1)}\nevent: events\ndata: ${
        JSON.stringify(data)
      }\n\n`
    );
    return new Response(events.join(""), {
      headers: { "content-type": "text/event-stream" },
    });
  }

  #idOf(number: number): string {
    return `fake-${number}-${number}`;
  }
}
