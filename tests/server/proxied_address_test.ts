import assert from "node:assert/strict";
import { ProxiedAddresses } from "../../src/server/proxied_address.ts";

const NOW = 1_700_000_000_000;
const MINUTE = 60_000;

Deno.test("a member reads the address that a proxy with its secret told, or with the one before it", () => {
  const member = new ProxiedAddresses(["secret", "before"]);
  for (const secret of ["secret", "before"]) {
    const proxy = new ProxiedAddresses([secret]);
    for (const address of ["10.0.0.1", "2001:db8::1", "::ffff:10.0.0.1"]) {
      assert.equal(member.read(proxy.told(address, NOW), NOW), address);
    }
  }
});

Deno.test("what was told by somebody else, of something else or at another time is no address", () => {
  const member = new ProxiedAddresses(["secret"]);
  const told = new ProxiedAddresses(["secret"]).told("10.0.0.1", NOW);
  const [, mac] = told.split(".").slice(-2) as [string, string];
  for (
    const forged of [
      "",
      "10.0.0.1",
      new ProxiedAddresses(["other"]).told("10.0.0.1", NOW),
      told.replace("10.0.0.1", "10.0.0.2"),
      told.replace(` ${NOW.toString(36)}`, ` ${(NOW + 1).toString(36)}`),
      told.replace(mac, "A".repeat(43)),
      `${told}A`,
      ` ${told}`,
      `${told}, ${told}`,
    ]
  ) assert.equal(member.read(forged, NOW), "", forged);
  assert.equal(member.read(told, NOW + 5 * MINUTE), "10.0.0.1");
  assert.equal(member.read(told, NOW + 5 * MINUTE + 1), "");
  assert.equal(member.read(told, NOW - 5 * MINUTE - 1), "");
});
