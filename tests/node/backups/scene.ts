import { setImmediate } from "node:timers";
import type { Schedule } from "../../../src/backup/schedule.ts";
import type { RaftGroup } from "../../../src/group/group.ts";
import { BackupConductor } from "../../../src/node/backups/conductor.ts";
import { BackupRecords } from "../../../src/node/backups/records.ts";
import type { BackupPorts } from "../../../src/node/backups/ports.ts";
import type { Proposal } from "../../../src/node/groups/proposal.ts";
import type { Proposer } from "../../../src/node/groups/proposer.ts";
import {
  recordText,
  writeBackupAnswer,
} from "../../../src/state/backups/codec.ts";
import {
  changedBackups,
  extendedArchive,
} from "../../../src/state/backups/rules.ts";
import {
  type ArchivedLog,
  type BackupOperation,
  type BackupRecord,
  SELECT_ARCHIVED,
} from "../../../src/state/backups/types.ts";
import { decodeCommand } from "../../../src/state/sql/command.ts";
import type { SqlMachine } from "../../../src/state/sql/port.ts";
import { ByteWriter, encode } from "../../../src/util/bytes.ts";
import { silentLogger } from "../../../src/util/logger.ts";

/** What a cluster remembers, whoever leads it: the rules over what is proposed. */
export class RememberedBackups {
  records: BackupRecord[] = [];
  readonly operations: BackupOperation[] = [];
  archived: ArchivedLog | null = null;
  #index = 100;

  propose(operation: BackupOperation): Uint8Array {
    this.operations.push(operation);
    if (operation.kind === "archived") {
      const { kind: _, ...more } = operation;
      const archived = extendedArchive(this.archived, more);
      this.archived = archived;
      return encode((writer) =>
        writeBackupAnswer(writer, { ok: true, archived })
      );
    }
    const { answer, saved, dropped } = changedBackups(
      this.records,
      operation,
      ++this.#index,
    );
    for (const record of saved) {
      this.records = this.records.filter(({ id }) => id !== record.id);
      this.records.push(record);
    }
    this.records = this.records.filter(({ id }) => !dropped.includes(id))
      .sort((a, b) => a.began - b.began);
    return encode((writer) => writeBackupAnswer(writer, answer));
  }

  /** The machine, as far as backups ask it. */
  querySync(sql: string): { readonly rows: readonly unknown[][] } {
    if (sql.includes("page_count")) return { rows: [[4096]] };
    if (sql === SELECT_ARCHIVED) {
      const { archived } = this;
      if (archived === null) return { rows: [] };
      return { rows: [[archived.cluster, archived.after, archived.through]] };
    }
    const records = sql.includes("LIMIT 1")
      ? this.records.slice(-1)
      : this.records;
    return { rows: records.map((record) => [recordText(record)]) };
  }
}

/** One member that leads or does not, by a clock of its own. */
export class Conducting {
  readonly remembered: RememberedBackups;
  role: "leader" | "follower" = "leader";
  monotonicMs = 0;
  wallMs: number;
  reached = new Set(["2.b", "3.c"]);
  readonly ports: BackupPorts;
  readonly conductor: BackupConductor;
  readonly #self: string;

  constructor(
    remembered: RememberedBackups,
    {
      self = "1.a",
      schedule = null,
      verify = null,
      wallMs = 0,
      logIntervalMs = 0,
    }: {
      self?: string;
      schedule?: Schedule | null;
      verify?: Schedule | null;
      wallMs?: number;
      logIntervalMs?: number;
    } = {},
  ) {
    this.remembered = remembered;
    this.wallMs = wallMs;
    this.#self = self;
    this.ports = {
      store: null,
      schedule,
      verify,
      folder: "",
      keepDays: 30,
      keepDaysLocal: 0,
      logIntervalMs,
      inspect: () => Promise.reject(new Error("nothing to look at")),
      clock: {
        monotonic: () => this.monotonicMs,
        wall: () => this.wallMs,
      },
      logger: silentLogger,
      proposer: {
        propose: (proposal: Proposal) => this.#propose(proposal),
      } as unknown as Proposer,
      group: () => this.#group,
      machine: () => remembered as unknown as SqlMachine,
      self: () => self,
      clusterId: () => "c1",
      connected: (member) => this.reached.has(member),
    };
    this.conductor = new BackupConductor(
      this.ports,
      new BackupRecords(this.ports),
    );
  }

  /** Lets so much time pass, looking every second. */
  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed += 1_000) {
      this.monotonicMs += 1_000;
      this.wallMs += 1_000;
      this.conductor.tick();
      await settled();
    }
  }

  get #group(): RaftGroup {
    const voters = ["1.a", "2.b", "3.c"];
    const { role } = this;
    return {
      core: {
        role,
        status: () => ({
          id: this.#self,
          leader: role === "leader" ? this.#self : null,
          config: { voters },
          progress: [
            { member: "2.b", match: 10 },
            { member: "3.c", match: 20 },
          ],
        }),
      },
    } as unknown as RaftGroup;
  }

  #propose({ body }: Proposal): Promise<unknown> {
    const writer = new ByteWriter();
    body(writer);
    const command = decodeCommand(writer.finish());
    if (command.kind !== "backup") throw new Error("not about backups");
    const answer = this.remembered.propose(command.operation);
    return Promise.resolve({ index: 1, refusal: null, body: answer });
  }
}

/** Lets everything that can happen now happen. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
