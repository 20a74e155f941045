/** Whether a system call found no room on the disk, or none that this user may have. */
export function foundNoRoom(error: unknown): boolean {
  const { code } = error as { readonly code?: unknown };
  return code === "ENOSPC" || code === "EDQUOT";
}
