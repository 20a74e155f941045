/** What no child of a member ever does. */
const NEVER = ["net", "run", "env", "ffi", "import"] as const;

/**
 * Gives up what a child does not need. Started from a compiled program it has all that the
 * program has; else it was given nothing of this in the first place.
 */
export function giveUpPermissions(): void {
  for (const name of NEVER) give(name);
}

/** Gives up writing files, once what is to be read is open: SQLite's own files need no permission. */
export function giveUpWriting(): void {
  give("write");
}

function give(name: (typeof NEVER)[number] | "write"): void {
  Deno.permissions.revokeSync({ name } as Deno.PermissionDescriptor);
}
