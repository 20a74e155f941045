import type { Client } from "../../src/client/client.ts";
import { addCalls } from "./contract/calls.ts";
import type { Case } from "./contract/case.ts";
import { addReads } from "./contract/reads.ts";
import { addWrites } from "./contract/writes.ts";
import type { RecordingMember } from "./recording_member.ts";

/** What a contract test works with. */
export interface Subject {
  readonly client: Client;
  readonly member: RecordingMember;
  /** Ends client and member. */
  end(): Promise<void>;
}

/** Registers the tests that every {@linkcode Client} passes, each with a subject of its own. */
export function testClientContract(
  name: string,
  open: () => Promise<Subject>,
): void {
  for (const one of clientContract()) {
    Deno.test(`${name}.${one.title}`, async () => {
      const subject = await open();
      try {
        await runCase(one, subject);
      } finally {
        await subject.end();
      }
    });
  }
}

/** Runs one case on an empty table `t`. */
export async function runCase(
  one: Case,
  { client, member }: Omit<Subject, "end">,
): Promise<void> {
  await client.execute("DROP TABLE IF EXISTS t");
  const { index } = await client.execute(
    "CREATE TABLE t (id INTEGER PRIMARY KEY, v ANY UNIQUE)",
  );
  await one.run(client, member, index);
}

/** The cases; the last one ends the client. */
export function clientContract(): readonly Case[] {
  const cases: Case[] = [];
  for (const add of [addWrites, addReads, addCalls]) {
    add((title, run) => cases.push({ title, run }));
  }
  return cases;
}
