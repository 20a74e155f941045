import assert from "node:assert/strict";
import {
  PROXIED_HEADER,
  ProxiedAddresses,
} from "../../src/server/proxied_address.ts";
import {
  clientAddresses,
  PROXY_MACHINE,
} from "../../src/server/client_address.ts";

const NOW = 1_700_000_000_000;

Deno.test("a request comes from where the front says, or from where a proxy says that proves to be one", () => {
  const { tag, of } = clientAddresses(["secret"], () => NOW);
  const from = (told: string): string =>
    of({
      headers: new Headers({
        "x-hiqlite-from": `${tag} 10.0.0.9`,
        [PROXIED_HEADER]: told,
      }),
    });
  const proxy = new ProxiedAddresses(["secret"]);
  assert.equal(from(proxy.told("10.0.0.1", NOW)), "10.0.0.1");
  // On a connection that is used again, the front says nothing.
  const headers = new Headers({ [PROXIED_HEADER]: proxy.told("::2", NOW) });
  assert.equal(of({ headers }), "::2");
  assert.equal(from("10.0.0.1"), "10.0.0.9");
  assert.equal(
    from(new ProxiedAddresses(["x"]).told("10.0.0.1", NOW)),
    "10.0.0.9",
  );
});

Deno.test("who is on a proxy's machine is not on this one, and has all of its addresses", () => {
  const { of } = clientAddresses(["secret"], () => NOW);
  const proxy = new ProxiedAddresses(["secret"]);
  for (const address of ["127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"]) {
    const headers = new Headers({ [PROXIED_HEADER]: proxy.told(address, NOW) });
    assert.equal(of({ headers }), PROXY_MACHINE);
  }
});
