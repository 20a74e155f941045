import type { Mutant } from "../table.ts";

/** Planted in what backups are made of and where they go. No seed runs it: tests find them. */
export const BACKUP_MUTANTS: readonly Mutant[] = [
  {
    name: "the last chunk of a sealed stream is not marked",
    file: "backup/seal.ts",
    find: "this.#nonce[NONCE_BYTES + 4] = last ? 1 : 0;",
    replace: "this.#nonce[NONCE_BYTES + 4] = last ? 0 : 0;",
  },
  {
    name: "the tag of a chunk is not looked at",
    file: "backup/seal.ts",
    find: "      cipher.final();\n    } catch {",
    replace: "      if (sealed.length === 0) cipher.final();\n    } catch {",
  },
  {
    name: "a sealed stream that ends within its chunks is opened",
    file: "backup/seal.ts",
    find: "      if (rest.length < TAG_BYTES) throw damaged(",
    replace:
      "      if (rest.length === 0) return;\n      if (rest.length < TAG_BYTES) throw damaged(",
  },
  {
    name: "all parts of the log are sealed with one key",
    file: "backup/stores/sealed_store.ts",
    find: "name.startsWith(ARCHIVE_PREFIX) ? `segment${name}`",
    replace: "name.startsWith(ARCHIVE_PREFIX) ? `segment`",
    tests: ["tests/backup"],
  },
  {
    name: "days of the week count from Monday",
    file: "backup/schedule.ts",
    find: "      alternativeWeekdays: true,\n",
    replace: "",
  },
  {
    name: "a schedule that never comes true is taken",
    file: "backup/schedule.ts",
    find: "if (this.next(nowMs) === null) {",
    replace: "if (this.next(0) === null) {",
  },
  {
    name: "the newest backup can expire",
    file: "backup/retention.ts",
    find: "const kept = new Set(newestOf(backups));",
    replace: "const kept = new Set<string>();",
  },
  {
    name: "backups expire after a run that failed",
    file: "backup/retention.ts",
    find: "if (!state.lastRunSucceeded) return [];",
    replace: "",
  },
  {
    name: "the backup that the window's begin is restored from expires",
    file: "backup/retention.ts",
    find: "if (needed.length > 0 && base !== undefined) kept.add(base.name);",
    replace: "",
  },
  {
    name: "log expires that no backup covers",
    file: "backup/retention.ts",
    find: "base === undefined || last > base.index!);",
    replace: "base !== undefined && last > base.index!);",
  },
  {
    name: "S3 without keys for encryption is taken",
    file: "config/backup_check.ts",
    find: 'if (hint !== undefined && !set("encKeys")) {',
    replace: 'if (hint === "s3Ca" && !set("encKeys")) {',
  },
  {
    name: "a file of a backup is replaced by another",
    file: "backup/stores/folder_store.ts",
    find: "await fs.link(partial, path);",
    replace: "await fs.rename(partial, path);",
    tests: ["tests/backup"],
  },
  {
    name: "any object of that name counts as one's own",
    file: "backup/stores/s3_store.ts",
    find: "if (stored === null || stored.size !== sent.size) return false;",
    replace: "if (stored !== null) return true;",
    tests: ["tests/backup"],
  },
  {
    name: "an object's size on S3 is not compared",
    file: "backup/stores/s3_store.ts",
    find: "if (stored?.size === sent.size) return stored;",
    replace: "if (stored !== null) return stored;",
    tests: ["tests/backup"],
  },
  {
    name: "uploads of others that were left behind are removed",
    file: "backup/stores/s3_store.ts",
    find: "        if (!isOurName(this.#nameOf(Key!))) continue;\n",
    replace: "",
    tests: ["tests/backup"],
  },
  {
    name: "an upload that failed is left behind",
    file: "backup/stores/s3_upload.ts",
    find:
      "    await client.send(new AbortMultipartUploadCommand(upload)).catch(() => {});\n",
    replace: "",
    tests: ["tests/backup"],
  },
  {
    name: "a download goes on with the object that took another's place",
    file: "backup/stores/s3_download.ts",
    find: "      IfMatch: etag,\n",
    replace: "",
    tests: ["tests/backup"],
  },
  {
    name: "a body that falls silent is waited for",
    file: "backup/stores/s3_download.ts",
    find: "        patience.silenceMs,\n",
    replace: "        patience.silenceMs + 2 ** 30,\n",
    tests: ["tests/backup"],
  },
  {
    name: "what cannot pass is asked for again",
    file: "backup/stores/s3_client.ts",
    find: " || !mayPass(error)) {",
    replace: ") {",
    tests: ["tests/backup"],
  },
  {
    name: "the Worker of S3 ends while a stream is read",
    file: "backup/stores/worker_store.ts",
    find: "if (calls.size > 0 || !channel.isQuiet) this.#idle();",
    replace: "if (calls.size > 0) this.#idle();",
    tests: ["tests/backup"],
  },
  {
    name: "that something was not deleted is not noticed",
    file: "backup/sweep.ts",
    find: "if (await store.head(name) === null) deleted.push(name);",
    replace: "if (true) deleted.push(name);",
  },
];
