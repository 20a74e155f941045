import { type ReadonlySignal, signal } from "@preact/signals";
import { keep, readKept } from "./kept.ts";

/** A text in the editor. */
export interface Tab {
  readonly id: number;
  readonly name: string;
  readonly text: string;
}

/** All of them, and which one is in front. */
export interface Tabs {
  readonly list: readonly Tab[];
  readonly current: number;
}

/** More texts than anybody has open, and characters of one that are kept. */
const TABS_MAX = 50;
const TEXT_MAX = 200_000;

/** The texts of the editor, kept on this device for each cluster with every change. */
export class TabStore {
  readonly #cluster: string;
  readonly #tabs;

  /** Those that were kept of this cluster, or an empty one. */
  constructor(cluster: string) {
    this.#cluster = cluster;
    this.#tabs = signal<Tabs>(tabsOf(readKept(cluster, "tabs")));
  }

  /** All of them now. */
  get tabs(): ReadonlySignal<Tabs> {
    return this.#tabs;
  }

  /** The one in front. */
  get current(): Tab {
    const { list, current } = this.#tabs.value;
    return list.find((tab) => tab.id === current) ?? list[0]!;
  }

  /** Opens another one in front. */
  add(text = ""): void {
    const { list } = this.#tabs.value;
    if (list.length >= TABS_MAX) return;
    const id = Math.max(...list.map((tab) => tab.id)) + 1;
    this.#set({
      list: [...list, { id, name: `Query ${id}`, text }],
      current: id,
    });
  }

  /** Puts one in front. */
  choose(id: number): void {
    this.#set({ ...this.#tabs.value, current: id });
  }

  /** Closes one; the last one becomes empty instead. */
  close(id: number): void {
    const { list, current } = this.#tabs.value;
    const at = list.findIndex((tab) => tab.id === id);
    const rest = list.filter((tab) => tab.id !== id);
    if (rest.length === 0) return this.#set(tabsOf(null));
    const next = current === id
      ? rest[Math.min(at, rest.length - 1)]!.id
      : current;
    this.#set({ list: rest, current: next });
  }

  /** Moves one by so many places. */
  move(id: number, by: number): void {
    const list = [...this.#tabs.value.list];
    const at = list.findIndex((tab) => tab.id === id);
    const to = at + by;
    if (at < 0 || to < 0 || to >= list.length) return;
    list.splice(to, 0, ...list.splice(at, 1));
    this.#set({ ...this.#tabs.value, list });
  }

  /** Gives one another name. */
  rename(id: number, name: string): void {
    if (name.trim() !== "") {
      this.#change(id, { name: name.trim().slice(0, 60) });
    }
  }

  /** The text of one is another one now. */
  write(id: number, text: string): void {
    this.#change(id, { text });
  }

  #change(id: number, change: Partial<Tab>): void {
    const { list, current } = this.#tabs.value;
    this.#set({
      list: list.map((tab) => tab.id === id ? { ...tab, ...change } : tab),
      current,
    });
  }

  #set(tabs: Tabs): void {
    this.#tabs.value = tabs;
    keep(this.#cluster, "tabs", {
      ...tabs,
      list: tabs.list.map((tab) => ({
        ...tab,
        text: tab.text.slice(0, TEXT_MAX),
      })),
    });
  }
}

/** What was kept, if it is what was kept. */
function tabsOf(kept: unknown): Tabs {
  const { list, current } = (kept ?? {}) as Partial<Tabs>;
  const tabs = (Array.isArray(list) ? list : []).filter((tab): tab is Tab =>
    typeof tab?.id === "number" && typeof tab.name === "string" &&
    typeof tab.text === "string"
  );
  if (tabs.length === 0) {
    return { list: [{ id: 1, name: "Query 1", text: "" }], current: 1 };
  }
  const known = tabs.some((tab) => tab.id === current);
  return { list: tabs, current: known ? current! : tabs[0]!.id };
}
