import { COUNTER_DIALECT } from "../counter/dialect.ts";
import { cacheDialect } from "./caches/dialect.ts";
import { type Dialect, KV_DIALECT } from "./dialect.ts";
import { lockDialect } from "./locks/dialect.ts";
import type { Plan } from "./plan.ts";
import { sqlDialect } from "./sql_dialect.ts";

/** How clients and state machines talk, by the plan's state machine. */
export const DIALECTS: Record<Plan["stateMachine"], (seed: number) => Dialect> =
  {
    model: () => KV_DIALECT,
    sqlite: sqlDialect,
    counter: () => COUNTER_DIALECT,
    caches: cacheDialect,
    locks: lockDialect,
  };
