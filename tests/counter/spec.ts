import { DEFAULT_GROUP_OPTIONS } from "../../src/group/ports.ts";
import { MemoryLog } from "../../src/log/memory_log.ts";
import type { GroupOptions } from "../../src/group/ports.ts";
import type { HostedGroup } from "../../src/node/groups/hosted_group.ts";
import type { FollowingSpec } from "../../src/node/groups/spec.ts";
import type { MemoryHousing } from "../../src/node/volume/home.ts";
import type { GroupStorage } from "../../src/node/volume/vault.ts";
import { NO_CONFIGURATION, ZERO_LOG_ID } from "../../src/raft/types.ts";
import { LEVEL } from "../../src/state/level.ts";
import { CounterMachine } from "./machine.ts";
import { readSum, writeAdd } from "./state.ts";

/** The counter group's number. */
export const COUNTER_GROUP = 7;

/** The counter as a group beside the durable one, and what a test sees of it on one member. */
export class CounterSpec implements FollowingSpec {
  readonly id = COUNTER_GROUP;
  readonly name = "counter";
  readonly options: GroupOptions;
  /** Of each epoch that began here; the last one is in use. */
  readonly machines: CounterMachine[] = [];

  readonly #level: number;

  constructor(options: Partial<GroupOptions> = {}, level = LEVEL) {
    this.#level = level;
    this.options = { ...DEFAULT_GROUP_OPTIONS, ...options };
  }

  readonly housing: MemoryHousing = {
    kind: "memory",
    open: () => this.#open(),
  };

  #open(): GroupStorage {
    const log = new MemoryLog();
    const machine = new CounterMachine(this.#level);
    this.machines.push(machine);
    return {
      log,
      logRecovery: log.recovery,
      machine,
      state: { applied: ZERO_LOG_ID, config: NO_CONFIGURATION },
      release: () =>
        new Promise((resolve) =>
          machine.close(() => {
            log.close();
            resolve();
          })
        ),
    };
  }

  /** What the counter is at here. */
  get sum(): number {
    return this.machines.at(-1)?.state.sum() ?? 0;
  }
}

/** Adds to the counter through a member; the sum. */
export async function add(
  { proposer }: HostedGroup,
  n: number,
  { level, timeoutMs = 10_000 }: { level?: number; timeoutMs?: number } = {},
): Promise<number> {
  const { refusal, body } = await proposer.propose({
    body: (writer) => writeAdd(writer, n),
    idempotencyKey: "",
    timeoutMs,
    ...(level === undefined ? {} : { level }),
  });
  if (refusal !== null) throw new Error(refusal.message);
  return readSum(body);
}
