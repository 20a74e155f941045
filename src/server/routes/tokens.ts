import {
  TOKEN_CREATE,
  TOKEN_LIST,
  TOKEN_REVOKE,
} from "../../api/routes/tokens.ts";
import type { Member } from "../../node/port.ts";
import { mount, type Mounting, mountMember } from "../mount.ts";

/** Mounts the routes of tokens. */
export function mountTokens(mounting: Mounting, member: Member): void {
  mount(
    mounting,
    TOKEN_CREATE,
    (request, { key }) => TOKEN_CREATE.ask(member, { ...request, ...key }),
  );
  mountMember(mounting, TOKEN_REVOKE, member);
  mountMember(mounting, TOKEN_LIST, member);
}
