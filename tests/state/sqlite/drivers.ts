import { LIBRARY } from "../../../native/library.ts";
import type {
  SqliteDriver,
  SqliteDriverSpec,
} from "../../../src/state/sqlite/driver/driver.ts";
import { openDriver } from "../../../src/state/sqlite/driver/open_driver.ts";
import { SQLITE_LIBRARY } from "../../cluster/requirements.ts";

/** A driver that the tests of the state machine run with. */
interface DriverUnderTest {
  readonly spec: SqliteDriverSpec;
  /** Why it cannot be tested here; nothing if it can. */
  readonly obstacle: string;
}

/** Every driver there is. */
export const DRIVERS: readonly DriverUnderTest[] = [
  { spec: { kind: "node" }, obstacle: "" },
  {
    spec: { kind: "ffi", library: LIBRARY },
    obstacle: await SQLITE_LIBRARY.obstacle(),
  },
];

// A library is a resource that no test closes: it is loaded before the first begins.
for (const { spec, obstacle } of DRIVERS) if (obstacle === "") openDriver(spec);

let present: SqliteDriverSpec = { kind: "node" };

/** The driver of the test that runs. */
export function presentSpec(): SqliteDriverSpec {
  return present;
}

/** The same, open. */
export function presentDriver(): SqliteDriver {
  return openDriver(present);
}

/** How a test is called with a driver. */
export function titled(
  name: string,
  { spec, obstacle }: DriverUnderTest,
): string {
  const reason = obstacle === "" ? "" : ` (not tested here: ${obstacle})`;
  return `${name} [${spec.kind}]${reason}`;
}

/** Registers a test for every driver; `Subject`, `Direct` and `presentDriver` use it. */
export function test(
  name: string,
  fn: (context: Deno.TestContext) => void | Promise<void>,
): void {
  for (const driver of DRIVERS) {
    Deno.test({
      name: titled(name, driver),
      ignore: driver.obstacle !== "",
      fn(context) {
        present = driver.spec;
        return fn(context);
      },
    });
  }
}

/** What a test's program is told to use the same driver. */
export function driverArgument(): string {
  return JSON.stringify(present);
}
