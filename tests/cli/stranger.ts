import process from "node:process";
import { main } from "../../src/cli/main.ts";
// `main` loads it when it is asked for; by then this is somebody who cannot read it.
import "../../src/cli/serve.ts";

/** The superuser may do everything, so the program runs as somebody else, once all its code is loaded. */
const user = Number(Deno.env.get("TEST_USER"));
if (user !== Deno.uid()) {
  process.setgid!(user);
  process.setuid!(user);
}
Deno.exit(
  await main({
    args: Deno.args,
    env: Deno.env.toObject(),
    version: "0",
    interactive: false,
    input: { typed: false, async *lines() {}, hidden: null },
    // deno-lint-ignore no-console -- what a test reads
    out: (line) => console.log(line),
    // deno-lint-ignore no-console -- what a test reads
    error: (line) => console.error(line),
    onStop: () => () => {},
    onReload: () => () => {},
    exit: (code) => Deno.exit(code),
  }),
);
