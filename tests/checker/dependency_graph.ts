/** Why one transaction comes before another: Adya's three, and real time. */
export type Dependency = "ww" | "wr" | "rw" | "realtime";

/** An edge of a cycle. */
export interface CycleEdge {
  readonly from: number;
  readonly kind: Dependency;
}

/** Transactions that would each have to come before the other. */
export interface Cycle {
  /** `G0`, `G1c`, `G-single` or `G2`, with `-realtime` if it needs real time. */
  readonly anomaly: string;
  readonly edges: readonly CycleEdge[];
}

/** The kinds to look at, weakest anomalies last. */
const LEVELS: readonly (readonly Dependency[])[] = [
  ["ww"],
  ["ww", "wr"],
  ["ww", "wr", "rw"],
  ["ww", "realtime"],
  ["ww", "wr", "realtime"],
  ["ww", "wr", "rw", "realtime"],
];

/** Components in which a cycle is named before the rest are only counted. */
const MAX_CYCLES = 10;

/** Start nodes tried per component to find a cycle with few anti-dependencies. */
const MAX_STARTS = 64;

/** Orders between transactions (and marks in time), and the cycles in them. */
export class DependencyGraph {
  readonly #edges: Map<number, Set<Dependency>>[] = [];

  /** Says that `from` comes before `to`; an edge to itself says nothing. */
  add(from: number, to: number, kind: Dependency): void {
    if (from === to) return;
    while (this.#edges.length <= Math.max(from, to)) {
      this.#edges.push(new Map());
    }
    const out = this.#edges[from]!;
    const kinds = out.get(to);
    if (kinds === undefined) out.set(to, new Set([kind]));
    else kinds.add(kind);
  }

  /** Up to ten cycles of the strongest anomaly there is; none if there is an order. */
  cycles(): Cycle[] {
    for (const level of LEVELS) {
      const components = this.#components(level).slice(0, MAX_CYCLES);
      if (components.length > 0) {
        return components.map((component) => this.#cycleIn(component, level));
      }
    }
    return [];
  }

  #successors(node: number, level: readonly Dependency[]): number[] {
    const found: number[] = [];
    for (const [to, kinds] of this.#edges[node]!) {
      if (level.some((kind) => kinds.has(kind))) found.push(to);
    }
    return found;
  }

  /** Strongly connected components of two and more (Tarjan, without recursion). */
  #components(level: readonly Dependency[]): Set<number>[] {
    const order = new Map<number, number>();
    const low = new Map<number, number>();
    const onStack = new Set<number>();
    const stack: number[] = [];
    const components: Set<number>[] = [];
    for (let root = 0; root < this.#edges.length; root++) {
      if (order.has(root)) continue;
      const work: { node: number; rest: number[] }[] = [];
      const enter = (node: number): void => {
        order.set(node, order.size);
        low.set(node, order.get(node)!);
        stack.push(node);
        onStack.add(node);
        work.push({ node, rest: this.#successors(node, level) });
      };
      enter(root);
      for (let top = work.at(-1); top !== undefined; top = work.at(-1)) {
        const { node, rest } = top;
        const next = rest.pop();
        if (next !== undefined) {
          if (!order.has(next)) enter(next);
          else if (onStack.has(next)) {
            low.set(node, Math.min(low.get(node)!, order.get(next)!));
          }
          continue;
        }
        work.pop();
        const parent = work.at(-1)?.node;
        if (parent !== undefined) {
          low.set(parent, Math.min(low.get(parent)!, low.get(node)!));
        }
        if (low.get(node) !== order.get(node)) continue;
        const component = new Set(stack.splice(stack.lastIndexOf(node)));
        for (const member of component) onStack.delete(member);
        if (component.size > 1) components.push(component);
      }
    }
    return components;
  }

  #cycleIn(component: Set<number>, level: readonly Dependency[]): Cycle {
    let best: CycleEdge[] | undefined;
    for (const start of [...component].slice(0, MAX_STARTS)) {
      const edges = this.#cheapest(start, component, level);
      if (best === undefined || cost(edges) < cost(best)) best = edges;
    }
    return { anomaly: nameOf(best!), edges: best! };
  }

  /** The cycle through `start` with the fewest anti-dependencies (0-1 breadth first). */
  #cheapest(
    start: number,
    component: Set<number>,
    level: readonly Dependency[],
  ): CycleEdge[] {
    const distance = new Map<number, number>();
    const cameBy = new Map<number, CycleEdge>();
    let now = [start];
    let later: number[] = [];
    for (let round = 0; now.length > 0; round++) {
      for (const node of now) {
        if ((distance.get(node) ?? 0) < round) continue;
        for (const [to, kinds] of this.#edges[node]!) {
          const kind = level.find((each) => kinds.has(each) && each !== "rw") ??
            (level.includes("rw") && kinds.has("rw") ? "rw" : undefined);
          if (kind === undefined || !component.has(to)) continue;
          const reached = round + Number(kind === "rw");
          if ((distance.get(to) ?? Infinity) <= reached) continue;
          distance.set(to, reached);
          cameBy.set(to, { from: node, kind });
          if (to !== start) (kind === "rw" ? later : now).push(to);
        }
      }
      now = later;
      later = [];
    }
    const edges: CycleEdge[] = [];
    let at = start;
    do {
      const edge = cameBy.get(at)!;
      edges.unshift(edge);
      at = edge.from;
    } while (at !== start);
    return edges;
  }
}

function cost(edges: readonly CycleEdge[]): number {
  const antidependencies = edges.filter((edge) => edge.kind === "rw").length;
  return antidependencies * 1e6 + edges.length;
}

function nameOf(edges: readonly CycleEdge[]): string {
  const count = (kind: Dependency): number =>
    edges.filter((edge) => edge.kind === kind).length;
  const suffix = count("realtime") > 0 ? "-realtime" : "";
  if (count("rw") > 1) return `G2${suffix}`;
  if (count("rw") === 1) return `G-single${suffix}`;
  return `${count("wr") > 0 ? "G1c" : "G0"}${suffix}`;
}
