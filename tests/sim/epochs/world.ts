import { isVoter } from "../../../src/raft/configuration.ts";
import type { NodeId } from "../../../src/raft/types.ts";

import { CACHE_GROUP } from "../../../src/node/groups/spec.ts";
import { decodeAnswer } from "../../../src/state/answer.ts";
import { NO_IDENTITY } from "../../../src/state/envelope.ts";
import { encodeEnvelope } from "../../state/envelopes.ts";
import { writeKvCommand } from "../../../src/state/kv/command.ts";
import { textValue } from "../caches/units.ts";
import { Draw } from "../draw.ts";
import { Scheduler } from "../scheduler.ts";
import { Violation } from "../violation.ts";
import { ableIn } from "./able.ts";
import { DurableGroup } from "./durable_group.ts";
import { Links } from "./links.ts";
import { EpochMember } from "./member.ts";
import { EpochOracle } from "./oracle.ts";

const NAME = "c";
/** Lines of what happened that are kept. */
const NOTES = 60;

/** Some nodes with a group of caches in memory, whose lives the durable group decides. */
export class EpochWorld {
  readonly scheduler = new Scheduler();
  readonly draw: Draw;
  readonly oracle = new EpochOracle();
  readonly nodes: readonly NodeId[];
  readonly links: Links;
  readonly durable: DurableGroup;
  readonly #processes = new Map<NodeId, EpochMember>();
  readonly notes: string[] = [];
  #marks = 0;
  #values = 0;

  constructor(seed: number, size: number) {
    this.draw = new Draw(seed, "epochs");
    this.nodes = Array.from({ length: size }, (_, i) => i + 1);
    this.links = new Links({
      scheduler: this.scheduler,
      draw: new Draw(seed, "links"),
      processOn: (node) => this.processOn(node),
    });
    this.durable = new DurableGroup({
      scheduler: this.scheduler,
      draw: new Draw(seed, "durable"),
      nodes: this.nodes,
      slowChanges: this.draw.pick([0.1, 0.1, 0.6]),
      reaches: (from, to) => this.#reaches(from, to),
      changed: (change, after) => {
        this.note(`facts: ${JSON.stringify(change)}`);
        if (change.kind !== "epoch") return;
        const { number } = after.epochs.get(CACHE_GROUP)!;
        this.oracle.begins(number, ableIn(this.running, number - 1));
      },
    });
  }

  /** The process on a node, if one runs. */
  processOn(node: NodeId): EpochMember | null {
    const process = this.#processes.get(node);
    return process?.alive ? process : null;
  }

  /** Those that run. */
  get running(): readonly EpochMember[] {
    return this.nodes.flatMap((node) => this.processOn(node) ?? []);
  }

  /** Says what happened. */
  note(line: string): void {
    this.notes.push(`${Math.round(this.scheduler.now)} ${line}`);
    if (this.notes.length > NOTES) this.notes.shift();
  }

  /** Starts a node that does not run, under a mark of its own. */
  start(node: NodeId): void {
    if (this.processOn(node) !== null) return;
    const mark = (++this.#marks * 0x1_0001).toString(16).padStart(16, "0");
    this.note(`start ${node} as ${mark}`);
    const process = new EpochMember(this, node, mark);
    this.#processes.set(node, process);
    this.links.joined(process, this.nodes);
  }

  /** Ends a process at once. */
  kill(node: NodeId): void {
    const process = this.processOn(node);
    if (process === null) return;
    this.note(`kill ${node}`);
    process.kill();
    this.links.ended(process, this.nodes);
  }

  /** Has the member on a node stand for election. */
  campaign(node: NodeId): void {
    const process = this.processOn(node);
    process?.run(() => process.following.hosted.group?.campaign());
  }

  /** Puts something through whoever leads, or believes so. */
  put(): void {
    const leaders = this.running.filter(({ following }) =>
      following.hosted.group?.core.role === "leader"
    );
    if (leaders.length === 0) return;
    const process = this.draw.pick(leaders);
    const { hosted } = process.following;
    const { epoch } = hosted;
    const since = this.oracle.epoch;
    const key = `${epoch}-${++this.#values}`;
    const put = {
      kind: "put",
      cache: NAME,
      key,
      value: textValue("v"),
    } as const;
    const payload = encodeEnvelope(
      { ...NO_IDENTITY, kind: "command", clockMs: 0, timeMs: 0, seed: [0, 0] },
      (writer) => writeKvCommand(writer, [{ checks: [], operations: [put] }]),
    );
    process.run(() =>
      hosted.group!.propose(payload, (result) => {
        if (!process.alive || result.kind !== "applied") return;
        if (decodeAnswer(result.answer).refusal !== null) return;
        const { index } = result;
        this.oracle.acknowledged(epoch, since, { index, key });
      })
    );
  }

  /** Asks some member at which index a linearizable read may be answered. */
  read(): void {
    const process = this.draw.pick(this.running);
    const { hosted } = process.following;
    const { group, epoch } = hosted;
    if (group === null) return;
    const since = this.oracle.epoch;
    const known = this.oracle.acknowledgedIn(epoch).length;
    process.run(() =>
      group.readIndex((index) => {
        if (index === null || !process.alive || hosted.group !== group) return;
        this.oracle.read(epoch, since, known, index);
      })
    );
  }

  /** What still differs from a group that is well, or null. */
  unhealthy(): string | null {
    for (const node of this.nodes) {
      const process = this.processOn(node);
      const hosted = process?.following.hosted;
      const core = hosted?.group?.core;
      if (core === undefined) return `node ${node} takes no part`;
      if (hosted!.epoch !== this.oracle.epoch) return `node ${node} is behind`;
      if (core.leader === null) return `node ${node} knows no leader`;
      if (!isVoter(core.config, hosted!.self)) {
        return `node ${node} has no vote`;
      }
      const newest = this.oracle.acknowledgedIn(hosted!.epoch).at(-1)?.index;
      if (process!.machine!.applied.index < (newest ?? 0)) {
        return `node ${node} has not applied everything`;
      }
    }
    return null;
  }

  /** All members have what was acknowledged in the present life, and nothing of others. */
  checkContents(): void {
    const { epoch } = this.oracle;
    for (const { node, machine } of this.running) {
      const { reads, clockMs } = machine!;
      const lost = this.oracle.acknowledgedIn(epoch)
        .find(({ key }) => reads.get(NAME, key, clockMs) === null);
      if (lost !== undefined) {
        throw new Violation("lost after the answer", `${lost.key} on ${node}`);
      }
      const [entries = 0] = reads.stats().map((cache) => cache.entries);
      const own = Array.from({ length: this.#values }, (_, n) => n + 1)
        .filter((n) => reads.get(NAME, `${epoch}-${n}`, clockMs) !== null);
      if (entries === own.length) continue;
      throw new Violation(
        "a life begins empty",
        `${entries - own.length} entries of others on ${node}`,
      );
    }
  }

  #reaches(from: NodeId, to: NodeId): boolean {
    if (this.processOn(from) === null || this.processOn(to) === null) {
      return false;
    }
    return from === to || !this.links.isCut(from, to);
  }
}
