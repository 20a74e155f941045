import { ByteReader } from "../../util/bytes.ts";
import { serveWriter } from "./apply/writer_child.ts";
import { serveReader } from "./read/reader_child.ts";
import { CHILD_LIMITS, CHILD_ROLES } from "./thread/child_command.ts";
import { ChildEnd, serveMember } from "./thread/child_frames.ts";
import { giveUpPermissions } from "./thread/child_permissions.ts";
import { guardChild, OVER_DISK, OVER_MEMORY } from "./thread/child_guard.ts";

/** What must stay free on the disk for the member when a child writes temporary files. */
const FREE_BYTES = 64 * 1024 * 1024;
const LOOK_MS = 100;

/**
 * Is a child of a member for the rest of this process's life: first the opening, then requests,
 * until standard input ends. Does not return.
 */
function beChild(args: readonly string[]): never {
  const [role, parent, folder] = args;
  const kind = role === CHILD_ROLES.writer ? "writer" : "reader";
  guardChild({
    parent: Number(parent),
    folder: folder!,
    rssBytes: CHILD_LIMITS[kind].rssBytes,
    freeBytes: FREE_BYTES,
    everyMs: LOOK_MS,
    overMemory: OVER_MEMORY,
    overDisk: OVER_DISK,
  });
  giveUpPermissions();
  const end = new ChildEnd();
  const opening = end.receive();
  if (opening !== null && opening.length > 0) {
    const request = new ByteReader(opening);
    try {
      serveMember(
        end,
        kind === "writer" ? serveWriter(request, end) : serveReader(request),
      );
    } catch (error) {
      end.fail(error);
    }
  }
  // What the runtime does at its own end was seen to wait for ever.
  Deno.exit(0);
}

/**
 * Whether this process was started as a child of a member: its own program, or the program of
 * whoever embeds the package, which the import of this module then replaces.
 */
function isChild(): boolean {
  const started = Deno.build.standalone || import.meta.main;
  return started &&
    Object.values<string>(CHILD_ROLES).includes(Deno.args[0] ?? "");
}

// Outside of Deno there are no children.
if (typeof Deno !== "undefined" && isChild()) beChild(Deno.args);
