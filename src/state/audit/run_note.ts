import type { AuditNote } from "./types.ts";

/** Whether a part belongs to what was noted of its file: the same run, from the same address. */
export function isPartOf(part: AuditNote, noted: AuditNote): boolean {
  return part.run !== undefined && part.run.id === noted.run?.id &&
    part.role === noted.role && part.action === noted.action &&
    part.address === noted.address;
}

/** The note of a file with one more part: the text of the first part, what came of the newest one, and all rows together. */
export function withPart(noted: AuditNote, part: AuditNote): AuditNote {
  // A part that is sent again, since its answer was lost, is where it was.
  const isAgain = part.did !== null && part.did === noted.did;
  const rows = part.rows === null || isAgain
    ? noted.rows
    : (noted.rows ?? 0) + part.rows;
  const count = noted.run!.count + (isAgain ? 0 : part.run!.count);
  return {
    ...part,
    detail: noted.detail,
    rows,
    did: part.did ?? noted.did,
    run: { ...part.run!, count },
  };
}
