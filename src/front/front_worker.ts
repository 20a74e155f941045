/**
 * The Worker of a front: accepts connections, keeps their number within limits,
 * speaks TLS if it is told to, and passes on what is said to whoever serves it.
 * Handshakes and encryption of strangers take no time of the member's thread.
 *
 * @module
 */
import { FrontServer } from "./front_server.ts";
import type { FrontNews, FrontOpening, FrontOrder } from "./protocol.ts";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<FrontOrder>) => void) | null;
  postMessage(news: FrontNews): void;
};
let server: FrontServer | undefined;
/** The last order that was carried out, or is. */
let last = Promise.resolve();

scope.onmessage = ({ data: order }) => {
  last = last.then(() => carryOut(order));
};

async function carryOut(order: FrontOrder): Promise<void> {
  switch (order.kind) {
    case "open":
      return await open(order);
    case "renew":
      return server?.renew(order.pair);
    case "shed":
      return server?.shed();
    case "stop":
      return server?.stop();
  }
}

async function open(opening: FrontOpening): Promise<void> {
  const tell = (news: FrontNews): void => scope.postMessage(news);
  try {
    const { tls } = opening;
    const handshakes = tls === null
      ? null
      : new (await import("../tls/handshakes.ts")).Handshakes(tls);
    server = new FrontServer(opening, tell, handshakes);
    tell({ kind: "open" });
  } catch (error) {
    const { name, message } = error as Error;
    tell({ kind: "failed", name, message });
  }
}
