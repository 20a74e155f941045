import type { RaftCore } from "../../src/raft/core.ts";
import { decodeConfiguration } from "../../src/raft/configuration.ts";
import {
  type Configuration,
  type Entry,
  EntryKind,
  type LogId,
  type LogIndex,
  type MemberId,
  NO_CONFIGURATION,
  type Role,
  type Term,
} from "../../src/raft/types.ts";
import { AttemptOracle } from "./attempt_oracle.ts";
import { bytesEqual } from "./bytes.ts";
import { ClockOracle } from "./clock_oracle.ts";
import { EventOracle, type EventPlace } from "./event_oracle.ts";
import { LogOracle } from "./log_oracle.ts";
import type { Mirror } from "./mirror.ts";
import { PromiseOracle } from "./promise_oracle.ts";
import type { RaftGroup } from "../../src/group/group.ts";
import { Violation } from "./violation.ts";

/** A member that answers callers. */
interface Answering extends Observed {
  readonly group: Pick<RaftGroup, "answered">;
}

/** What the oracle sees of one run of one member. */
export interface Observed {
  readonly member: MemberId;
  readonly core: RaftCore;
  readonly mirror: Mirror;
  /** As of the last check. */
  readonly seen: {
    term: Term;
    commit: LogIndex;
    applied: LogIndex;
    leading: Term;
    config: Configuration;
    role: Role;
    /** The last event that was told. */
    told?: EventPlace;
  };
}

/** A committed entry, the same for all members and for ever. */
interface Canonical {
  readonly entry: Entry;
  /** The term in which it was first known to be committed. */
  readonly committedIn: Term;
  answer: Uint8Array | null;
}

/** Knows everything and checks Raft's safety properties after every step. */
export class Oracle {
  /** Checks the cluster clock. */
  readonly clock: ClockOracle;
  /** Checks what members tell one another. */
  readonly promises: PromiseOracle = new PromiseOracle();
  /** Checks what is in logs. */
  readonly logs: LogOracle = new LogOracle();
  /** Checks what members tell of events. */
  readonly events: EventOracle = new EventOracle();
  /** Checks what clients are told of their attempts. */
  readonly attempts: AttemptOracle;
  readonly #canonical: Canonical[] = [];
  readonly #mirrors = new Map<MemberId, Mirror>();
  /** Entries whose leader's machine told a wrong hash, by index and term. */
  readonly #lies = new Set<string>();
  /** Answers that left before anybody had applied their entries. */
  readonly #told = new Map<LogIndex, Uint8Array>();
  readonly #onConfig: (config: Configuration) => void;
  #config: { index: LogIndex; config: Configuration } = {
    index: 0,
    config: NO_CONFIGURATION,
  };

  /** `onConfig` hears of each committed configuration; `attemptOf` reads a command's attempt; `now` is virtual time; `steady` whether all clocks have run with it so far. */
  constructor(
    onConfig: (config: Configuration) => void,
    attemptOf: (payload: Uint8Array) => number,
    now: () => number,
    steady: () => boolean,
  ) {
    this.clock = new ClockOracle(now, steady);
    this.#onConfig = onConfig;
    this.attempts = new AttemptOracle(this, attemptOf);
  }

  /** The cluster starts with this configuration. */
  form(config: Configuration): void {
    this.#config = { index: 0, config };
  }

  /** How many entries are committed. */
  get committed(): LogIndex {
    return this.#canonical.length;
  }

  /** The committed configuration. */
  get config(): Configuration {
    return this.#config.config;
  }

  /** The committed entry at `index`. */
  entryAt(index: LogIndex): Entry | undefined {
    return this.#canonical[index - 1]?.entry;
  }

  /** Everything there was to know of each member's log, also of members gone for ever. */
  mirrorOf(member: MemberId): Mirror | undefined {
    return this.#mirrors.get(member);
  }

  /** A member's log exists. */
  register(mirror: Mirror): void {
    this.#mirrors.set(mirror.member, mirror);
  }

  /** Configurations that are, or may again come, into effect somewhere. */
  configsInPlay(): Configuration[] {
    const configs = [this.#config.config];
    for (const mirror of this.#mirrors.values()) {
      for (const entry of mirror.entries) {
        if (entry.kind !== EntryKind.config) continue;
        if (entry.index <= this.#config.index) continue;
        configs.push(decodeConfiguration(entry.payload));
      }
    }
    return configs;
  }

  /** Something happened to a member. */
  stepped(observed: Observed): void {
    const { core, seen } = observed;
    if (core.term !== seen.term) this.#term(observed);
    if (core.role === "leader" && seen.leading !== core.term) {
      seen.leading = core.term;
      this.#elected(observed);
    }
    if (core.commit !== seen.commit) this.#commit(observed);
    seen.config = core.config;
    seen.role = core.role;
  }

  /** A member applied an entry. */
  applied(observed: Observed, entry: Entry, answer: Uint8Array): void {
    const { member, seen, core } = observed;
    if (entry.index !== seen.applied + 1) {
      throw new Violation(
        "state-machine safety",
        `${member} applied ${entry.index} after ${seen.applied}`,
      );
    }
    seen.applied = entry.index;
    const canonical = this.#canonical[entry.index - 1];
    if (canonical === undefined || core.commit < entry.index) {
      throw new Violation(
        "state-machine safety",
        `${member} applied ${entry.index}, which is not committed`,
      );
    }
    if (canonical.entry.term !== entry.term) {
      throw new Violation(
        "state-machine safety",
        `${member} applied ${entry.index} of term ${entry.term}, committed is term ${canonical.entry.term}`,
      );
    }
    if (canonical.answer === null) {
      const told = this.#told.get(entry.index);
      this.#told.delete(entry.index);
      if (told !== undefined && !bytesEqual(told, answer)) {
        throw this.#otherwise(entry.index);
      }
      canonical.answer = answer;
    } else if (!bytesEqual(canonical.answer, answer)) {
      throw new Violation(
        "determinism",
        `${member} answers entry ${entry.index} differently`,
      );
    }
  }

  /** The entry at `index` is answered so when the log is applied anew. */
  replayed(index: LogIndex, answer: Uint8Array): void {
    const known = this.#canonical[index - 1]!.answer;
    if (known === null || bytesEqual(known, answer)) return;
    throw new Violation("replay", `entry ${index} is answered differently`);
  }

  /** A member answers a caller: what is applied there, or what its group says that it answers before. */
  answered(
    observed: Answering,
    { index, answer }: { index: LogIndex; answer: Uint8Array },
  ): void {
    const { member, seen, core, group } = observed;
    // A member may die of what it does next, before it is looked at again.
    if (core.commit !== seen.commit) this.#commit(observed);
    const told = group.answered;
    if (index > this.committed || index > Math.max(seen.applied, told)) {
      throw new Violation(
        "answered too early",
        `${member} answers for ${index}, applied ${seen.applied}, told ${told}, committed ${this.committed}`,
      );
    }
    const known = this.#canonical[index - 1]?.answer ?? null;
    if (known === null) this.#told.set(index, answer);
    else if (!bytesEqual(known, answer)) throw this.#otherwise(index);
  }

  #otherwise(index: LogIndex): Violation {
    const detail = `entry ${index} was answered otherwise than it was applied`;
    return new Violation("determinism", detail);
  }

  /** A leader's machine says a wrong hash of its answer. */
  lied(index: LogIndex, term: Term): void {
    this.#lies.add(`${index}:${term}`);
  }

  /** A member was told that its state differs. */
  diverged(member: MemberId, index: LogIndex): void {
    const term = this.entryAt(index)?.term;
    if (this.#lies.has(`${index}:${term}`)) return;
    throw new Violation("divergence", `${member} differs at ${index}`);
  }

  /** Committed entries from the first on, for as long as they are known. */
  get history(): readonly Entry[] {
    return this.#canonical.map(({ entry }) => entry);
  }

  /** A snapshot became a member's state. */
  installed(observed: Observed, { index, term }: LogId): void {
    const canonical = this.#canonical[index - 1];
    if (canonical === undefined || canonical.entry.term !== term) {
      throw new Violation(
        "state-machine safety",
        `${observed.member} installed a snapshot of ${index} in term ${term}, which is not committed`,
      );
    }
    observed.seen.applied = index;
  }

  /** A linearizable read answered from the state as of `applied`. */
  fresh(
    member: MemberId,
    applied: LogIndex,
    index: LogIndex,
    floor: LogIndex,
  ): void {
    if (applied >= index && index >= floor) return;
    throw new Violation(
      "stale read",
      `${member} read at ${applied}, ReadIndex ${index}, already seen ${floor}`,
    );
  }

  #term(observed: Observed): void {
    const { core, seen, member } = observed;
    if (core.term < seen.term) {
      throw new Violation(
        "monotonic term",
        `${member} went from ${seen.term} to ${core.term}`,
      );
    }
    seen.term = core.term;
  }

  #elected(observed: Observed): void {
    const { core, member, mirror } = observed;
    this.promises.leads(member, core.term);
    for (let index = this.committed; index > 0; index--) {
      const canonical = this.#canonical[index - 1]!;
      if (canonical.committedIn >= core.term) continue;
      if (index <= mirror.base.index) return;
      if (mirror.termAt(index) === canonical.entry.term) return;
      throw new Violation(
        "leader completeness",
        `${member} leads in term ${core.term} without entry ${index} of term ${canonical.entry.term}`,
      );
    }
  }

  #commit(observed: Observed): void {
    const { core, seen, member, mirror } = observed;
    const { commit } = core;
    if (commit < seen.commit) {
      throw new Violation(
        "monotonic commit",
        `${member} went from ${seen.commit} to ${commit}`,
      );
    }
    const from = Math.max(seen.commit, mirror.base.index) + 1;
    for (let index = from; index <= commit; index++) {
      const entry = mirror.at(index);
      if (entry === undefined) {
        if (index > this.committed) {
          throw new Violation(
            "committed without entry",
            `${member} committed ${index}, its log ends at ${mirror.lastIndex}`,
          );
        }
        continue;
      }
      this.#canonize(observed, entry);
    }
    seen.commit = commit;
  }

  #canonize(observed: Observed, entry: Entry): void {
    const known = this.#canonical[entry.index - 1];
    if (known !== undefined) {
      if (known.entry.term === entry.term) return;
      throw new Violation(
        "state-machine safety",
        `${observed.member} committed ${entry.index} of term ${entry.term}, committed is term ${known.entry.term}`,
      );
    }
    const { core } = observed;
    if (entry.index === core.commit && core.role === "leader") {
      this.#counted(observed, entry);
    }
    this.clock.committed(entry);
    this.#canonical.push({ entry, committedIn: core.term, answer: null });
    if (entry.kind === EntryKind.config) {
      const config = decodeConfiguration(entry.payload);
      this.#config = { index: entry.index, config };
      this.#onConfig(config);
    }
  }

  #counted({ core, member, seen }: Observed, entry: Entry): void {
    if (entry.term !== core.term) {
      throw new Violation(
        "commit of an old term",
        `${member} in term ${core.term} counted entry ${entry.index} of term ${entry.term}`,
      );
    }
    // The configuration may have changed right after the entry was counted.
    if (this.#onQuorum(seen.config, entry)) return;
    if (this.#onQuorum(core.config, entry)) return;
    throw new Violation(
      "durable on a quorum",
      `${member} committed ${entry.index} without a durable quorum of ${core.config.voters}, ${core.config.votersOutgoing}`,
    );
  }

  #onQuorum(config: Configuration, entry: Entry): boolean {
    return [config.voters, config.votersOutgoing].every((voters) => {
      const holders = voters.filter((v) => this.#holds(v, entry));
      return voters.length === 0 || holders.length * 2 > voters.length;
    });
  }

  #holds(member: MemberId, entry: Entry): boolean {
    const mirror = this.#mirrors.get(member);
    if (mirror === undefined) return false;
    if (mirror.base.index >= entry.index) return true;
    return mirror.durable >= entry.index &&
      mirror.termAt(entry.index) === entry.term;
  }
}
