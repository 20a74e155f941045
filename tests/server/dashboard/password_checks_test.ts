import assert from "node:assert/strict";
import { PasswordChecks } from "../../../src/server/dashboard/password_checks.ts";
import { cheapHash } from "./with_dashboard.ts";

const FULL = { code: "overloaded", message: /try again in a moment/ };

Deno.test("of one address, or of one network of IPv6, two passwords wait while one is checked; others may ask all the same", async () => {
  for (
    const [own, other] of [
      [() => "10.0.0.1", "10.0.0.2"],
      [(at: number) => `2001:db8::${at}`, "2001:db8:0:1::1"],
    ] as const
  ) {
    const checks = new PasswordChecks({
      admin: await cheapHash("right"),
      viewer: "",
    });
    const asked = [1, 2, 3].map((at) => checks.check("wrong", own(at)));
    assert.throws(() => checks.check("wrong", own(4)), FULL);
    asked.push(checks.check("right", other));
    assert.deepEqual(await Promise.all(asked), [null, null, null, "admin"]);
    assert.equal(await checks.check("right", own(5)), "admin");
  }
});
