import { createHash } from "node:crypto";
import { closeSync, openSync, readSync } from "node:fs";
import { type Position, readPosition } from "./bookkeeping.ts";
import { nodeDriver } from "./node_driver.ts";
import { okAnswer, serveRequests } from "./worker_handle.ts";
import { writeApplied } from "./writer_protocol.ts";

/** What a snapshot Worker is asked to do, once. */
export type SnapshotTask =
  /** Copy the database as it is now into a new file. Answers position, size and SHA-256. */
  | { readonly kind: "build"; readonly path: string; readonly target: string }
  /** Look into a received file. Answers its position. */
  | { readonly kind: "inspect"; readonly path: string };

const HASHED_BYTES = 1024 * 1024;

serveRequests<SnapshotTask>((task) => ({
  opened: task.kind === "build"
    ? build(task.path, task.target)
    : answerPosition(positionOf(task.path)),
  answer: () => okAnswer(),
  close: () => {},
}));

function build(path: string, target: string) {
  const connection = nodeDriver.open(path, { readOnly: true });
  try {
    connection.exec(`PRAGMA busy_timeout = 5000`);
    connection.exec(`VACUUM INTO '${target.replaceAll("'", "''")}'`);
  } finally {
    connection.close();
  }
  const answer = answerPosition(positionOf(target));
  const { size, sha256 } = hashFile(target);
  return answer.u53(size).text(sha256);
}

function answerPosition(position: Position) {
  const answer = okAnswer();
  writeApplied(answer, position, []);
  return answer;
}

function positionOf(path: string): Position {
  const connection = nodeDriver.open(path, { readOnly: true });
  try {
    const position = readPosition(connection);
    if (position === null) throw new Error("The snapshot is no state of ours");
    return position;
  } finally {
    connection.close();
  }
}

function hashFile(path: string): { size: number; sha256: string } {
  const hash = createHash("sha256");
  const buffer = new Uint8Array(HASHED_BYTES);
  const file = openSync(path, "r");
  let size = 0;
  try {
    for (;;) {
      const count = readSync(file, buffer);
      if (count === 0) return { size, sha256: hash.digest("hex") };
      hash.update(buffer.subarray(0, count));
      size += count;
    }
  } finally {
    closeSync(file);
  }
}
