import { WorkerEnd } from "../../../src/state/sqlite/thread/channel.ts";

const scope = self as unknown as {
  onmessage: (event: MessageEvent<SharedArrayBuffer>) => void;
  close(): void;
};

/** Sends back what it gets, until it gets nothing (an empty message), which it sends back too. */
scope.onmessage = (event) => {
  const channel = new WorkerEnd(event.data);
  for (;;) {
    const message = channel.receive();
    channel.send(message);
    if (message.length === 0) break;
  }
  scope.close();
};
