import { deepEqual } from "node:assert/strict";
import { Delivery } from "./delivery.ts";

/** What arrives, in order. */
async function delivered(
  send: (delivery: Delivery) => void,
): Promise<number[]> {
  const arrived: number[] = [];
  const to = {
    write: (bytes: Uint8Array) => {
      arrived.push(...bytes);
      return Promise.resolve(bytes.length);
    },
  };
  const delivery = new Delivery(to, () => undefined, () => {});
  send(delivery);
  await delivery.drained();
  return arrived;
}

Deno.test("Delivery.send() keeps the order, whatever the delays", async () => {
  const arrived = await delivered((delivery) => {
    delivery.send(new Uint8Array([1]), 30);
    delivery.send(new Uint8Array([2]), 0);
  });
  deepEqual(arrived, [1, 2]);
});

Deno.test("Delivery.sendAstray() is overtaken by what comes later, and overtakes nothing", async () => {
  const arrived = await delivered((delivery) => {
    delivery.send(new Uint8Array([1]), 30);
    delivery.sendAstray(new Uint8Array([2]), 0, 0);
    delivery.sendAstray(new Uint8Array([3]), 0, 30);
    delivery.send(new Uint8Array([4]), 0);
  });
  deepEqual(arrived, [1, 2, 4, 3]);
});
