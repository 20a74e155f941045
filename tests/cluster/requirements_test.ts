import { deepEqual, equal, notEqual } from "node:assert/strict";
import { missingPrograms } from "./command.ts";
import { NetnsNetwork } from "./netns.ts";
import { NAMESPACES, sortOut, testNeeding } from "./requirements.ts";

Deno.test("missingPrograms() names what no folder of PATH has", async () => {
  const missing = await missingPrograms(["sh", "no-such-program"]);
  deepEqual(missing, ["no-such-program"]);
});

Deno.test("sortOut() leaves out what the machine cannot do, with the reason", async () => {
  const requirement = (name: string, obstacle: string) => ({
    name,
    obstacle: () => Promise.resolve(obstacle),
  });
  const [here, gone] = [requirement("a", ""), requirement("b", "no b")];
  const { possible, leftOut } = await sortOut([
    { name: "one" },
    { name: "two", requires: [here] },
    { name: "three", requires: [here, gone] },
    { name: "four", requires: [gone, gone] },
  ]);
  deepEqual(possible.map(({ name }) => name), ["one", "two"]);
  deepEqual(leftOut, [{ what: "three, four", reason: "no b" }]);
});

const netnsTest = await testNeeding(NAMESPACES);

netnsTest(
  "NetnsNetwork: networks at the same time have subnets of their own",
  async () => {
    await using one = await NetnsNetwork.create(1);
    await using other = await NetnsNetwork.create(1);
    notEqual(one.apiUrl(1), other.apiUrl(1));
    equal(one.apiUrl(1).startsWith("http://10.213."), true);
  },
);
