import assert from "node:assert/strict";
import { networkOf } from "../../src/util/network_of.ts";

Deno.test("an address of IPv4 stands for itself, one of IPv6 for its network of 64 bits", () => {
  for (
    const [address, network] of [
      ["10.0.0.1", "10.0.0.1"],
      ["::ffff:10.0.0.1", "::ffff:10.0.0.1"],
      ["", ""],
      ["2001:db8::1", "2001:db8:0:0"],
      ["2001:db8:0:0:9:8:7:6", "2001:db8:0:0"],
      ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
      ["2001:db8:1:2::", "2001:db8:1:2"],
      ["::1", "0:0:0:0"],
    ] as const
  ) assert.equal(networkOf(address), network, address);
});
