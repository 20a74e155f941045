import { SocketArena } from "./arena.ts";
import { MESSAGE_BYTES, networkContract, QUEUE_BYTES } from "./contract.ts";

networkContract(
  "PeerLinks",
  () =>
    new SocketArena({ queueBytes: QUEUE_BYTES, messageBytes: MESSAGE_BYTES }),
);
