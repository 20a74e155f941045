import type { LogIndex } from "../../raft/types.ts";
import type { ByteWriter } from "../../util/bytes.ts";
import { writeKvAnswer, writePutAnswer } from "./answer.ts";
import { plainUnit, type ScannedPack } from "./command.ts";
import type { CacheContents } from "./contents.ts";
import { Draft } from "./draft.ts";
import { PACK_OPERATIONS_MAX } from "./limits.ts";
import { failed, perform } from "./operations.ts";
import { PlainPut } from "./plain_put.ts";
import { evictOverflow, lackOfRoom } from "./room.ts";
import { sameSettings } from "./settings.ts";
import type {
  KvAnswer,
  KvCheck,
  KvResult,
  KvUnit,
  OperationOf,
} from "./types.ts";
import { sameValue } from "./values.ts";

/** Applies units, each wholly or not at all. */
export class Units {
  readonly #contents: CacheContents;
  readonly #draft: Draft;
  readonly #plain = new PlainPut();

  /** Of what changes `contents`. */
  constructor(contents: CacheContents) {
    this.#contents = contents;
    this.#draft = new Draft(contents);
  }

  /** Applies the units of the entry at `index`, when the cluster clock is at `nowMs`, and appends what answers them. */
  apply(
    pack: ScannedPack,
    index: LogIndex,
    nowMs: number,
    answers: ByteWriter,
  ): void {
    const { maxBytes, units } = pack;
    answers.natural(units.length);
    let version = index * PACK_OPERATIONS_MAX;
    for (const found of units) {
      if (typeof found === "number" && this.#put(pack, found, version, nowMs)) {
        writePutAnswer(answers, version++);
        continue;
      }
      const unit = typeof found === "number" ? plainUnit(pack, found) : found;
      this.#draft.begin(version, nowMs, unit.operations.length);
      writeKvAnswer(answers, this.#apply(unit, version, maxBytes));
      version += unit.operations.length;
    }
    this.#draft.begin(version, nowMs, 0);
  }

  /** Does a plain put from where it stands; false, with nothing done, if more is to be decided. */
  #put(pack: ScannedPack, at: number, version: number, nowMs: number): boolean {
    const put = this.#plain;
    put.read(pack.body, at);
    if (put.create >= 0 && !this.#isThere(pack.creates[put.create]!)) {
      return false;
    }
    const cache = this.#contents.cache(pack.names[put.cache]!);
    return cache !== undefined &&
      this.#contents.putPlain(cache, put, version, nowMs, pack.maxBytes);
  }

  /** Whether there is what a unit would create. */
  #isThere({ cache, settings }: OperationOf<"create">): boolean {
    const known = this.#contents.cache(cache);
    return known !== undefined && sameSettings(known.settings, settings);
  }

  #apply(unit: KvUnit, version: number, maxBytes: number): KvAnswer {
    const { creates, checks, operations } = unit;
    const refusal = creates === undefined ? null : this.#refused(creates);
    if (refusal !== null) return refusal;
    for (let at = 0; at < checks.length; at++) {
      const found = this.#foundOtherwise(checks[at]!);
      if (found !== null) return { kind: "conflict", at, version: found };
    }
    const results = new Array<KvResult>(operations.length);
    for (let i = 0; i < operations.length; i++) {
      const outcome = perform(operations[i]!, this.#draft, version + i);
      if (!failed(outcome)) results[i] = outcome;
      else if (outcome.kind === "refused") return outcome;
      else {
        return {
          kind: "conflict",
          at: checks.length + i,
          version: outcome.version,
        };
      }
    }
    const message = lackOfRoom(this.#contents, this.#draft, maxBytes);
    if (message !== null) {
      return { kind: "refused", code: "cache_full", message };
    }
    this.#draft.commit();
    evictOverflow(this.#contents, this.#draft, maxBytes);
    return { kind: "done", results };
  }

  /** Has caches created in the draft; why one cannot be, null if all can. */
  #refused(creates: readonly OperationOf<"create">[]): KvAnswer | null {
    for (const create of creates) {
      const outcome = perform(create, this.#draft, 0);
      if (failed(outcome) && outcome.kind === "refused") return outcome;
    }
    return null;
  }

  /** The version of an entry that is not as a check says; null if it is. */
  #foundOtherwise(check: KvCheck): number | null {
    const cache = this.#draft.cache(check.cache);
    const entry = this.#draft.entry(cache, check.key);
    const version = entry === null ? 0 : entry.version;
    const holds = "version" in check
      ? check.version === version
      : entry !== null && sameValue(check.value, entry);
    return holds ? null : version;
  }
}
