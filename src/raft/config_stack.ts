import { isVoter } from "./configuration.ts";
import type {
  Configuration,
  LogIndex,
  MemberId,
  SnapshotMeta,
} from "./types.ts";

/** A configuration and where it stands in the log. */
export interface PlacedConfiguration {
  readonly index: LogIndex;
  readonly config: Configuration;
}

/**
 * The configurations of the log. One takes effect when its entry is appended
 * (§6) and is undone when that entry is truncated, so the earlier ones are kept
 * until they can never come back.
 */
export class ConfigStack {
  private stack: PlacedConfiguration[];

  /** Starts with the configuration as of the log's base. */
  constructor(base: SnapshotMeta) {
    this.stack = [{ index: base.last.index, config: base.config }];
  }

  /** The configuration in effect. */
  get latest(): PlacedConfiguration {
    return this.stack.at(-1)!;
  }

  /** Every configuration that is, or may again come, into effect, oldest first. */
  get all(): readonly Configuration[] {
    return this.stack.map(({ config }) => config);
  }

  /** Whether the member votes in a configuration that is, or may again come, into effect. */
  namesVoter(member: MemberId): boolean {
    return this.stack.some(({ config }) => isVoter(config, member));
  }

  /** A configuration entry was appended. */
  push(index: LogIndex, config: Configuration): void {
    this.stack.push({ index, config });
  }

  /** Entries above `index` were dropped; true if the configuration changed. */
  truncateAfter(index: LogIndex): boolean {
    const before = this.stack.length;
    while (this.stack.length > 1 && this.latest.index > index) this.stack.pop();
    return this.stack.length < before;
  }

  /** Entries up to `index` are committed for ever: configurations older than the last committed one are forgotten. */
  foldTo(index: LogIndex): void {
    let keep = this.stack.length - 1;
    while (keep > 0 && this.stack[keep]!.index > index) keep--;
    this.stack.splice(0, keep);
  }
}
