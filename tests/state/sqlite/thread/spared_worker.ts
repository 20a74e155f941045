import { WorkerEnd } from "../../../../src/state/sqlite/thread/channel.ts";

/** What the test and this Worker share. */
interface Start {
  readonly memory: SharedArrayBuffer;
  /** 1 once it can be interrupted, 2 once it is spared. */
  readonly state: SharedArrayBuffer;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Start>) => void;
  close(): void;
};

scope.onmessage = ({ data }) => {
  const channel = new WorkerEnd(data.memory);
  const state = new Int32Array(data.state);
  channel.interruptible = () => 7n;
  Atomics.store(state, 0, 1);
  channel.receive();
  channel.spare(() => Atomics.store(state, 0, 2));
  channel.send(new Uint8Array([channel.count]));
  scope.close();
};
