import type { ShownSetting } from "../../config/shown_settings.ts";
import type { RequestCodec, Route } from "../../api/route.ts";
import type { Member } from "../../node/port.ts";
import type { QueryLimits } from "../../state/sql/types.ts";
import { checkContentType, type Mounting, respond } from "../mount.ts";
import type { DashboardAsking } from "./asking.ts";
import type { DashboardSession, DashboardSessions } from "./sessions.ts";
import { HiqliteError } from "../../errors.ts";

/** What handlers work with. */
export interface HandlerParts {
  readonly mounting: Pick<Mounting, "bodies" | "deliveries">;
  readonly member: Member;
  readonly sessions: Pick<DashboardSessions, "isOver">;
  /** The most that a query may ask for. */
  readonly limits: QueryLimits;
  readonly settings: readonly ShownSetting[];
  /** The node that answers. */
  readonly nodeId: () => number;
  /** Ms since 1970. */
  readonly now: () => number;
}

/** So often it is looked whether who takes a stream is still signed in, ms. */
const LOOK_MS = 1000;

/** What ends a stream soon after its session. */
export function untilSignedOut(
  sessions: HandlerParts["sessions"],
  session: DashboardSession,
): (end: (why: HiqliteError) => void) => () => void {
  return (end) => {
    const timer = setInterval(() => {
      if (!sessions.isOver(session)) return;
      clearInterval(timer);
      end(new HiqliteError("unauthorized", "The session is over"));
    }, LOOK_MS);
    return () => clearInterval(timer);
  };
}

/** Reads the JSON body of a request. @throws {HiqliteError} `invalid`, `too_large`, `overloaded` */
export async function bodyOf<Input>(
  { mounting }: Pick<HandlerParts, "mounting">,
  { context }: DashboardAsking,
  decode: RequestCodec<Input>["decode"],
): Promise<Input> {
  checkContentType(context);
  return await mounting.bodies.json(
    context.req.raw,
    // deno-lint-ignore require-await -- what it throws is the request's fault
    async (json) => decode(json),
  );
}

/** Does what a route of the API does, for the page. */
export async function asRoute<Input, Reply>(
  parts: HandlerParts,
  asking: DashboardAsking,
  route: Route<Input, Reply>,
  work: (request: Input) => Reply | Promise<Reply>,
): Promise<Response> {
  const { request: codec, reply } = route;
  const request = codec === undefined
    ? undefined as Input
    : await bodyOf(parts, asking, (json) => codec.decode(json));
  const answer = await work(request);
  const { deliveries } = parts.mounting;
  return respond(asking.context, deliveries, reply, answer);
}
