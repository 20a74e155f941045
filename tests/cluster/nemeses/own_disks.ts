import type { TestCluster } from "../harness.ts";
import type { Node } from "../network.ts";

/** The disks that a fault has given to the members of a cluster, one each. */
export class OwnDisks<Disk extends AsyncDisposable> {
  readonly #disks = new WeakMap<TestCluster, Map<Node, Disk>>();

  /** Gives every member the disk that `mount` mounts at its folder, until the end of the cluster. */
  async give(
    cluster: TestCluster,
    mount: (folder: string, node: Node) => Promise<Disk>,
  ): Promise<void> {
    const disks = new Map<Node, Disk>();
    this.#disks.set(cluster, disks);
    for (const node of cluster.nodes) {
      const disk = await mount(cluster.dataDir(node), node);
      cluster.defer(async () => await disk[Symbol.asyncDispose]());
      disks.set(node, disk);
    }
  }

  /** The disk of a member. */
  of(cluster: TestCluster, node: Node): Disk {
    return this.#disks.get(cluster)!.get(node)!;
  }
}
