// deno-lint-ignore-file no-console -- this is a program; its output is its purpose
/** A process that may do everything, until it gives up what a member's child does not need: prints what it may still do. */
import { statfsSync } from "node:fs";
import {
  giveUpPermissions,
  giveUpWriting,
} from "../../../../src/state/sqlite/thread/child_permissions.ts";

const [folder] = Deno.args as [string];

function allowed(what: () => unknown): boolean {
  try {
    what();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    throw error;
  }
}

const TRIES: Readonly<Record<string, () => unknown>> = {
  net: () => Deno.listen({ hostname: "127.0.0.1", port: 0 }).close(),
  run: () => new Deno.Command("true").outputSync(),
  env: () => Deno.env.toObject(),
  ffi: () => Deno.UnsafePointer.of(new Uint8Array(1)),
  read: () => [...Deno.readDirSync(folder)],
  statfs: () => statfsSync(folder),
  write: () => Deno.writeTextFileSync(`${folder}/written`, ""),
};

function tried(): string[] {
  return Object.keys(TRIES).filter((name) => allowed(TRIES[name]!));
}

console.log(tried().join(" "));
giveUpPermissions();
console.log(tried().join(" "));
giveUpWriting();
console.log(tried().join(" "));
