import type { Mutant } from "../table.ts";

/** Planted in the log. */
export const LOG_MUTANTS: readonly Mutant[] = [
  {
    name: "no fsync",
    file: "log/group_sync.ts",
    find: `      file.sync((error) => {
        if (error === null) step(at + 1);
        else this.#end(this.#fail(error));
      });`,
    replace: "      step(at + 1);",
  },
  {
    name: "a failed fsync is ignored",
    file: "log/group_sync.ts",
    find: `      file.sync((error) => {
        if (error === null) step(at + 1);`,
    replace: `      file.sync((error) => {
        if (error === null || at >= 0) step(at + 1);`,
  },
  {
    name: "only the newest segment is synced",
    file: "log/segment_log.ts",
    find: "      files.push(segment.file);",
    replace: "      files.splice(0, 1, segment.file);",
  },
  {
    name: "the folder is not synced",
    file: "log/group_sync.ts",
    find: "if (!round.directory) return step(0);",
    replace: "if (round.files.length >= 0) return step(0);",
  },
  {
    name: "a sync serves those who asked after it began",
    file: "log/group_sync.ts",
    find: `    this.#waiting.push(done);
    if (this.#serving === null) this.#start();`,
    replace: `    if (this.#serving !== null) this.#serving.push(done);
    else {
      this.#waiting.push(done);
      this.#start();
    }`,
  },
  {
    name: "damage below the durable mark is cut",
    file: "log/recovery.ts",
    find: "if (evidence.position <= attempt.replay.end) return attempt;",
    replace: "if (evidence.position >= 0) return attempt;",
  },
  {
    name: "what follows a damaged segment that was purged is not tried",
    file: "log/recovery.ts",
    find: "      rest = after;",
    replace: "      rest = [];",
  },
  {
    name: "a log may begin behind damage to live entries",
    file: "log/recovery.ts",
    find: "      if (missingThrough === null) {",
    replace: "      if (missingThrough === null || rest !== run) {",
  },
  {
    name: "bodies are not verified",
    file: "log/frame.ts",
    find: "return crc32(body) === frame.bodyChecksum ? body : null;",
    replace: "return body;",
  },
  {
    name: "a torn tail is not overwritten",
    file: "log/recovery.ts",
    find: "    writeZeroes(active.file, from, capacity);",
    replace: "    void writeZeroes;",
  },
  {
    name: "a truncation is not recorded",
    file: "log/segment_log.ts",
    find: "      this.#writer.note(LogFrameKind.truncate, to, NO_BYTES);\n",
    replace: "",
  },
  {
    name: "a purge is not recorded",
    file: "log/segment_log.ts",
    find: "      this.#writer.note(LogFrameKind.purge, to, NO_BYTES);\n",
    replace: "",
  },
  {
    name: "a reset is not recorded",
    file: "log/segment_log.ts",
    find: "      this.#writer.note(LogFrameKind.reset, base, NO_BYTES);\n",
    replace: "",
  },
  {
    name: "segments are freed one entry too early",
    file: "log/log_writer.ts",
    find:
      "return frames.begin < frames.end ? frames.lsn(frames.begin) : this.end;",
    replace: "return this.end;",
  },
  {
    name: "what a crash left behind a blank header follows on the log",
    file: "log/recovery.ts",
    find: "if (followsOn(file, replay, salt)) spares.discard(file);",
    replace: "if (followsOn(file, replay, 0)) spares.discard(file);",
  },
];
