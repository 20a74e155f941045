import {
  HEALTH,
  METRICS,
  OPENAPI,
  PING,
  READY,
} from "../../api/routes/status.ts";
import type { Member } from "../../node/port.ts";
import { mount, type Mounting, mountMember } from "../mount.ts";
import { openApiDocument } from "../../api/openapi.ts";

/** Mounts the routes that say how the member is. */
export function mountStatus(
  mounting: Mounting,
  member: Member,
  version: string,
): void {
  mount(mounting, PING, () => "pong");
  mountMember(mounting, HEALTH, member);
  mountMember(mounting, READY, member);
  mountMember(mounting, METRICS, member);
  let document: ReturnType<typeof openApiDocument> | undefined;
  mount(mounting, OPENAPI, () => document ??= openApiDocument(version));
}
