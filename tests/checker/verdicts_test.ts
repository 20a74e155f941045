import { deepEqual, ok } from "node:assert/strict";
import { keyValueModel } from "./key_value.ts";
import { parseKeyValueLog } from "./key_value_log.ts";
import { parseJepsenLog } from "./jepsen_log.ts";
import { checkLinearizability } from "./linearizability.ts";
import { registerModel } from "./register.ts";

const data = Deno.env.get("HQL_TEST_DATA");

if (data !== undefined) {
  Deno.test("checkLinearizability() reproduces every verdict in under a minute", () => {
    const started = performance.now();
    const expected = new Map<string, string>();
    const found = new Map<string, string>();
    let configurations = 0;
    for (const [file, verdict] of verdicts(`${data}/histories/verdicts.tsv`)) {
      const result = check(
        file,
        Deno.readTextFileSync(`${data}/histories/${file}`),
      );
      expected.set(file, verdict === "true" ? "linearizable" : "illegal");
      found.set(file, result.verdict);
      configurations += result.configurations;
    }
    ok(expected.size >= 66, `only ${expected.size} verdicts listed`);
    deepEqual(found, expected);
    const elapsed = performance.now() - started;
    ok(
      elapsed < 60_000,
      `took ${elapsed} ms, ${configurations} configurations`,
    );
  });
}

function verdicts(path: string): [string, string][] {
  const lines = Deno.readTextFileSync(path).trim().split("\n").slice(1);
  return lines.map((line) => line.split("\t") as [string, string]);
}

function check(
  file: string,
  text: string,
): { verdict: string; configurations: number } {
  if (file.startsWith("jepsen/")) {
    return checkLinearizability(registerModel, parseJepsenLog(text));
  }
  return checkLinearizability(keyValueModel, parseKeyValueLog(text));
}
