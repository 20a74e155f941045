/**
 * The Worker of a front: accepts connections, keeps their number within limits,
 * speaks TLS if it is told to, and passes on what is said to whoever serves it.
 * Handshakes and encryption of strangers take no time of the member's thread.
 *
 * @module
 */
import { FrontServer } from "./front_server.ts";
import type { FrontNews, FrontOrder } from "./protocol.ts";

const scope = self as unknown as {
  onmessage: ((event: MessageEvent<FrontOrder>) => void) | null;
  postMessage(news: FrontNews): void;
};
let server: FrontServer | undefined;

scope.onmessage = ({ data: order }) => {
  switch (order.kind) {
    case "open":
      try {
        server = new FrontServer(order, (news) => scope.postMessage(news));
        scope.postMessage({ kind: "open" });
      } catch (error) {
        const { name, message } = error as Error;
        scope.postMessage({ kind: "failed", name, message });
      }
      break;
    case "renew":
      server?.renew(order.pair);
      break;
    case "shed":
      server?.shed();
      break;
    case "stop":
      server?.stop();
      break;
  }
};
