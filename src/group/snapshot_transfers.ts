import type { Input } from "../raft/io.ts";
import type { GroupPorts } from "./ports.ts";
import { SnapshotReceiver } from "./snapshot_receiver.ts";
import { SnapshotSender } from "./snapshot_sender.ts";
import { SnapshotService } from "./snapshot_service.ts";

/** A group's snapshots: lent here, on their way to others, and coming in. The core hears of each by `step`. */
export class SnapshotTransfers {
  readonly service: SnapshotService;
  readonly sender: SnapshotSender;
  readonly receiver: SnapshotReceiver;

  /** For the group that is made of `ports`. */
  constructor(ports: GroupPorts, step: (input: Input) => void) {
    const { core, machine } = ports;
    const self = core.status().id;
    this.service = new SnapshotService({
      machine,
      failed: (error) => ports.warn("snapshot could not be built", error),
    });
    this.sender = new SnapshotSender({
      snapshots: this.service,
      self,
      send: (chunk) => void ports.send(chunk),
      sent: (to, last, ok) => step({ kind: "snapshotSent", to, last, ok }),
      failed: (error) => ports.warn("snapshot could not be sent", error),
    });
    this.receiver = new SnapshotReceiver({
      machine,
      self,
      term: () => core.term,
      installing: () => core.installing,
      send: (ack) => void ports.send(ack),
      received: (from, term, last, config) => {
        const snapshot = { last, config };
        const message = { from, to: self, term, snapshot };
        step({
          kind: "message",
          message: { type: "snapshotReceived", ...message },
        });
      },
      failed: (error) => ports.warn("snapshot could not be received", error),
    });
  }
}
