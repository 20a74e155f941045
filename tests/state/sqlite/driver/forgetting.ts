/**
 * Opens and closes connections with a driver, given as JSON, whose functions know a megabyte each; prints how many of
 * those are still in memory. Started with --expose-gc.
 */
import { openDriver } from "../../../../src/state/sqlite/driver/open_driver.ts";

const CONNECTIONS = 20;
const { gc } = globalThis as unknown as { gc: () => void };
const driver = openDriver(JSON.parse(Deno.args[0]!));
const known: WeakRef<Uint8Array>[] = [];

function openAndClose(): void {
  const bytes = new Uint8Array(1024 * 1024);
  known.push(new WeakRef(bytes));
  const connection = driver.open(":memory:", { readOnly: false });
  connection.define("size", false, () => bytes.length);
  connection.define("plus", true, (a) => (a as bigint) + 1n, true);
  connection.authorize(() => bytes.length > 0);
  const [row] = connection.prepare("SELECT size(), plus(1)")!
    .all({ anonymous: [], named: null });
  if (`${row}` !== `${bytes.length},2`) throw new Error(`${row}`);
  connection.close();
}

for (let i = 0; i < CONNECTIONS; i++) openAndClose();
// What was looked at through a WeakRef lives until the turn ends.
for (let turn = 0; turn < 3; turn++) {
  await new Promise((resolve) => setTimeout(resolve));
  gc();
}
const left = known.filter((bytes) => bytes.deref() !== undefined).length;
await Deno.stdout.write(new TextEncoder().encode(`${left}`));
