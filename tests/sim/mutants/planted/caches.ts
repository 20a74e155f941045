import type { Mutant } from "../table.ts";

/** Of ten seeds the two that run caches: on logs that are kept (3), and in memory (8). */
const CACHES = { first: 3, step: 5 } as const;

/** Planted in the caches' machine. */
export const CACHE_MUTANTS: readonly Mutant[] = [
  ...([
    {
      name: "a key that moves while keys are put in order is not listed",
      file: "state/kv/memory/space.ts",
      find: "    this.#order?.moved(key);\n",
      replace: "",
    },
    {
      name: "what was due is removed although it was written again",
      file: "state/kv/memory/space.ts",
      find:
        "    else if (old !== NO_SLOT) this.#entryDeadlines.remove(slot);\n",
      replace: "",
    },
    {
      name: "an entry's deadline is counted by the wall clock",
      file: "state/kv/state.ts",
      find: "const { clockMs } = this;",
      replace: "const clockMs = this.#commands.timeMs;",
    },
    {
      name: "what is due goes by the wall clock",
      file: "state/kv/state.ts",
      find: "expire(this.contents, this.clockMs, operations);",
      replace: "expire(this.contents, this.#commands.timeMs, operations);",
    },
    {
      name: "a put without a time to live keeps the old deadline",
      file: "state/kv/operations.ts",
      find: "if (keepTtl === true && old !== null) return old.deadlineMs;",
      replace:
        "if (ttlMs === undefined && old !== null) return old.deadlineMs;",
    },
    {
      name: "keepTtl is ignored",
      file: "state/kv/operations.ts",
      find: "if (keepTtl === true && old !== null) return old.deadlineMs;",
      replace: "if (keepTtl === true && old === null) return 0;",
    },
    {
      name: "the cache's own time to live is ignored",
      file: "state/kv/operations.ts",
      find: "const lives = ttlMs === undefined ? settings.ttlMs : ttlMs ?? 0;",
      replace:
        "const lives = ttlMs === undefined ? settings.ttlMs * 0 : ttlMs ?? 0;",
    },
    {
      name: "a touch begins a new version",
      file: "state/kv/operations.ts",
      find: "draft.setEntry(cache!, key, { ...old, deadlineMs });",
      replace:
        "draft.setEntry(cache!, key, { ...old, deadlineMs, version: old.version + 1 });",
    },
    {
      name: "versions are counted in this process",
      file: "state/kv/units.ts",
      find: "    let version = index * PACK_OPERATIONS_MAX;\n",
      replace:
        "    const process = this as { entries?: number };\n    process.entries = (process.entries ?? 0) + 1;\n    let version = process.entries * PACK_OPERATIONS_MAX;\n",
    },
    {
      name: "all units of an entry have the same versions",
      file: "state/kv/units.ts",
      find: "      version += unit.operations.length;\n",
      replace: "",
    },
    {
      name: "units of an entry share one answer",
      file: "state/kv/units.ts",
      find:
        "      writeKvAnswer(answers, this.#apply(unit, version, maxBytes));\n",
      replace:
        "      const answer = this.#apply(unit, version, maxBytes);\n      const all = this as { second?: typeof answer; units?: number };\n      all.units = found === units[0] ? 1 : (all.units ?? 0) + 1;\n      if (all.units === 2) all.second = answer;\n      writeKvAnswer(answers, all.units > 2 ? all.second! : answer);\n",
    },
    {
      name: "a unit that fails leaves what came before",
      file: "state/kv/units.ts",
      find:
        '      else if (outcome.kind === "refused") return outcome;\n      else {\n',
      replace:
        '      else if (outcome.kind === "refused") return outcome;\n      else {\n        this.#draft.commit();\n',
    },
    {
      name: "a refused unit leaves what it would have changed for the next one",
      file: "state/kv/draft.ts",
      find: "      cache.touched = false;\n      cache.change.reset();\n",
      replace: "      cache.touched = false;\n",
    },
    {
      name: "a check finds what is due",
      file: "state/kv/draft.ts",
      find:
        "    return entry === null || isDue(entry, this.#nowMs) ? null : entry;\n",
      replace: "    return entry;\n",
    },
    {
      name: "a read finds what is due",
      file: "state/kv/reads.ts",
      find:
        "    return isVisible(entry, nowMs) ? shown(entry, entry.bytes, readerMs) : null;\n",
      replace:
        "    return entry !== null ? shown(entry, entry.bytes, readerMs) : null;\n",
    },
    {
      name: "a counter that is due goes on",
      file: "state/kv/draft.ts",
      find:
        "    return counter === null || isDue(counter, this.#nowMs) ? null : counter;\n",
      replace: "    return counter;\n",
    },
    {
      name: "an entry is gone one millisecond late",
      file: "state/kv/live_cache.ts",
      find: "return deadlineMs > 0 && deadlineMs <= nowMs;",
      replace: "return deadlineMs > 0 && deadlineMs < nowMs;",
    },
    {
      name: "getRemove answers and keeps",
      file: "state/kv/operations.ts",
      find: "  draft.setEntry(cache!, key, null);\n",
      replace:
        '  if (operation.kind === "delete") draft.setEntry(cache!, key, null);\n',
    },
    {
      name: "a removal with ifVersion removes any version",
      file: "state/kv/operations.ts",
      find: "if (version !== operation.ifVersion) return {",
      replace: "if (version === 0 && operation.ifVersion > 0) return {",
    },
    {
      name: "ifVersion is not compared",
      file: "state/kv/operations.ts",
      find:
        "const allowed = (ifVersion === undefined || ifVersion === present) &&",
      replace: "const allowed = (ifVersion === undefined || ifVersion >= 0) &&",
    },
    {
      name: "checks look at versions only",
      file: "state/kv/units.ts",
      find: ": entry !== null && sameValue(check.value, entry);",
      replace: ": entry !== null;",
    },
    {
      name: "a counter wraps",
      file: "state/kv/operations.ts",
      find:
        "  if (value > INT64_MAX) return INT64_MAX;\n  return value < INT64_MIN ? INT64_MIN : value;\n",
      replace:
        "  const bits = value & (INT64_MAX - INT64_MIN);\n  return bits > INT64_MAX ? bits - (INT64_MAX - INT64_MIN) - 1n : bits;\n",
    },
    {
      name: "an add begins a counter's time anew",
      file: "state/kv/operations.ts",
      find: "  const deadlineMs = old?.deadlineMs ??\n    (",
      replace: "  const deadlineMs = 0 ||\n    (",
    },
    {
      name: "an entry's key is not counted",
      file: "state/kv/live_cache.ts",
      find: "return key.length + bytes.length + ENTRY_BYTES;",
      replace: "return bytes.length + ENTRY_BYTES;",
    },
    {
      name: "what a counter takes is not given back",
      file: "state/kv/contents.ts",
      find:
        '    assert(old !== null, "a counter that is to go is not there");\n    this.#countCounter(cache, -1, key, old);\n',
      replace:
        '    assert(old !== null, "a counter that is to go is not there");\n    cache.counters--;\n',
    },
    {
      name: "what was due makes no room first",
      file: "state/kv/state.ts",
      find:
        "    // First, so that what is written finds the room.\n    this.#sweep(pack.operations);\n",
      replace: "",
    },
    {
      name: "so many go with each batch and not with each entry",
      file: "state/kv/state.ts",
      find: "    this.#swept = false;\n    if (kind",
      replace: "    this.#swept = index !== this.#first;\n    if (kind",
    },
    {
      name: "of what is due another part goes in each order of storing it",
      file: "state/kv/memory/store.ts",
      find: "    return due.sort(inOrder).slice(0, limit);\n",
      replace: "    return due.slice(0, limit);\n",
    },
    {
      name: "what makes room is the first one that was stored here",
      file: "state/kv/memory/space.ts",
      find: "    this.#versions?.set(slot, version);\n",
      replace:
        "    const all = this as { stored?: number };\n    all.stored = (all.stored ?? 0) + 1;\n    this.#versions?.set(slot, all.stored);\n",
    },
    {
      name: "what makes room is not the oldest of all",
      file: "state/kv/memory/ranking.ts",
      find: "      if (number >= above) break;\n",
      replace: "      if (number >= above || this.#by === 1) break;\n",
    },
    {
      name: "a key that is removed hides those behind it",
      file: "state/kv/memory/key_table.ts",
      find: "    gap = at;\n",
      replace: "    gap = cell;\n",
    },
    {
      name: "a key that was removed while a table is read is told of",
      file: "state/kv/memory/key_table.ts",
      find:
        "        if (slot !== NO_SLOT && this.#holds(seen[at]!, slot)) yield slot;\n",
      replace: "        if (slot !== NO_SLOT) yield slot;\n",
    },
    {
      name: "a view shows what is due",
      file: "state/kv/reads.ts",
      find:
        "    return isDue(entry, nowMs) ? null : shown(entry, entry.bytes, nowMs);\n",
      replace: "    return shown(entry, entry.bytes, nowMs);\n",
    },
    {
      name: "an entry's events are told of the cache that was told of last",
      file: "state/kv/events.ts",
      find: "    if (cache === this.#cache) return this.#place;\n",
      replace: '    if (this.#cache !== "") return this.#place;\n',
    },
    {
      name: "what is cleared stays in the hash of everything",
      file: "state/kv/contents.ts",
      find:
        "    const { id } = cache;\n    this.#countHash(-hashOfCache(cache.row));\n",
      replace: "    const { id } = cache;\n",
    },
    {
      name: "a unit makes room with what it wrote itself",
      file: "state/kv/room.ts",
      find:
        "    ? cache.counterBytes + change.counterBytes + change.ownBytes\n",
      replace: "    ? cache.counterBytes + change.counterBytes\n",
    },
    {
      name: "for others a cache gives up what does not evict",
      file: "state/kv/room.ts",
      find: '  return settings.onFull === "evict" &&\n    (',
      replace: "  return settings.maxEntries !== 0 &&\n    (",
    },
    {
      name: "the room that an entry says is not honoured",
      file: "state/kv/room.ts",
      find: "  if (more <= 0 || bytes - evictable <= maxBytes) return null;",
      replace:
        "  if (more <= 0 || bytes - evictable <= 2 * maxBytes) return null;",
    },
    {
      name: "what happens while a snapshot is built is not in it",
      file: "state/kv/snapshot/build.ts",
      find:
        "    this.#state.contents.journal = null;\n    this.#takePiece();\n",
      replace:
        "    this.#state.contents.journal = null;\n    this.#piece.reset();\n",
    },
    {
      name: "what is removed while a snapshot is built comes back with it",
      file: "state/kv/contents.ts",
      find: "    this.journal?.deleteEntry(cache.id, key);\n",
      replace: "",
    },
    {
      name: "a snapshot ends in the middle of a batch",
      file: "state/kv/snapshot/build.ts",
      find: "      if (!this.#batch) this.#close();\n",
      replace: "      this.#close();\n",
    },
    {
      name: "a snapshot has no sessions",
      file: "state/kv/snapshot/build.ts",
      find:
        '    for (const session of sessions) records.push({ kind: "session", session });\n',
      replace:
        '    for (const session of sessions) {\n      if (session.id === 0) records.push({ kind: "session", session });\n    }\n',
    },
    {
      name: "the numbers of caches begin anew after an install",
      file: "state/kv/contents.ts",
      find: "    this.#nextCache = store.position?.nextCache ?? 1;\n",
      replace:
        "    this.#nextCache = Math.max(0, ...Array.from(store.caches(), ({ id }) => id)) + 1;\n",
    },
    {
      name: "a key of any length is proposed",
      file: "state/kv/validate.ts",
      find: "  if (key.length > KEY_BYTES_MAX) {\n",
      replace: "  if (key.length < 0) {\n",
    },
    {
      name: "an expired entry is told of once more when it is removed",
      file: "state/kv/contents.ts",
      find: '    if (why === "expire") return this.#expired(cache, key);\n',
      replace: '    if (why === "expire") this.#expired(cache, key);\n',
    },
    {
      name: "the settings that a unit brings are ignored",
      file: "state/kv/units.ts",
      find:
        "const refusal = creates === undefined ? null : this.#refused(creates);",
      replace: "const refusal = creates === null ? this.#refused([]) : null;",
    },
    {
      name: "only the first cache that a unit brings is created",
      file: "state/kv/units.ts",
      find: "    for (const create of creates) {\n",
      replace: "    for (const create of creates.slice(0, 1)) {\n",
    },
    {
      name: "a unit that brings other settings goes on",
      file: "state/kv/units.ts",
      find:
        'if (failed(outcome) && outcome.kind === "refused") return outcome;\n    }\n    return null;',
      replace:
        'if (failed(outcome) && outcome.kind !== "refused") return null;\n    }\n    return null;',
    },
    {
      name: "a plain put does without its cache's own time to live",
      file: "state/kv/contents.ts",
      find:
        "    const lives = put.ttlMs < 0 ? cache.settings.ttlMs : put.ttlMs;\n",
      replace: "    const lives = Math.max(0, put.ttlMs);\n",
    },
    {
      name: "a plain put takes room that all caches together do not have",
      file: "state/kv/contents.ts",
      find: "    const fits = this.#bytes + bytes <= maxBytes &&\n",
      replace: "    const fits = this.#bytes <= maxBytes &&\n",
    },
    {
      name: "a plain put in the place of what is due tells of no expiry",
      file: "state/kv/contents.ts",
      find: "      if (oldMs > 0 && oldMs <= nowMs) {\n",
      replace: "      if (oldMs < 0) {\n",
    },
    {
      name: "a snapshot under way does not hear of plain puts",
      file: "state/kv/contents.ts",
      find:
        "    if (plain === undefined || this.journal !== null) return false;\n",
      replace: "    if (plain === undefined) return false;\n",
    },
    {
      name: "a plain put finds its cache whatever it is to be created with",
      file: "state/kv/units.ts",
      find:
        "    return known !== undefined && sameSettings(known.settings, settings);\n",
      replace: "    return known !== undefined && settings !== null;\n",
    },
  ] as const).map((mutant) => ({ ...CACHES, ...mutant })),
];
