import { type ReadonlySignal, signal } from "@preact/signals";
import type { JsonSchemaObject } from "../../src/api/dashboard/schema.ts";
import { call } from "../api.ts";
import { type Filter, filtersSql } from "../rows/filter.ts";
import { type Identity, identityOf } from "../rows/identity.ts";
import {
  type PageQuestion,
  pageSql,
  rowCondition,
  type RowPlace,
  type Sort,
} from "../rows/page.ts";
import { type Row, rowsOfPage } from "../rows/row.ts";
import { appended, prepended, type RowWindow } from "../rows/window.ts";
import { joined } from "../rows/bound.ts";
import type { BoundSql, ExactValue } from "../values/exact_value.ts";

/** Rows that are asked for at once. */
const PAGE_ROWS = 200;
/** Rows of what has no key to go on from. */
const KEYLESS_ROWS = 1_000;
/** Result columns of one query that SQLite allows, three for each, and some for the key. */
export const COLUMNS_SHOWN_MAX = 600;

/** What is looked at. */
export interface TableLook {
  readonly object: JsonSchemaObject;
  readonly filters: readonly Filter[];
  readonly sort: Sort | null;
  /** The key of the row that is looked for; null: none is. */
  readonly key: readonly ExactValue[] | null;
}

/** The rows of a table as the page holds them. */
export interface ShownRows extends RowWindow<Row> {
  /** The number of the first row that is held. It only counts what has come and gone here. */
  readonly first: number;
}

const NOTHING: ShownRows = { rows: [], atStart: false, atEnd: false, first: 0 };

/** A window over the rows of a table, read page by page, each behind or before a row that was read. */
export class TableView {
  readonly look: TableLook;
  readonly identity: Identity;
  readonly columns: readonly string[];
  readonly #rows = signal<ShownRows>(NOTHING);
  readonly #loading = signal(true);
  readonly #loaded = signal(false);
  readonly #error = signal<unknown>(null);
  readonly #ms = signal<number | null>(null);
  readonly #missing = signal(false);
  #running: AbortController | null = null;
  #minIndex: number;

  /** `minIndex`: what was written from this page is seen. */
  constructor(look: TableLook, minIndex: number) {
    this.look = look;
    this.identity = identityOf(look.object);
    this.columns = look.object.columns.filter((column) => !column.hidden)
      .map((column) => column.name).slice(0, COLUMNS_SHOWN_MAX);
    this.#minIndex = minIndex;
  }

  /** What is held now. */
  get rows(): ReadonlySignal<ShownRows> {
    return this.#rows;
  }

  /** Whether something is read now. */
  get loading(): ReadonlySignal<boolean> {
    return this.#loading;
  }

  /** Whether anything was read yet. */
  get loaded(): ReadonlySignal<boolean> {
    return this.#loaded;
  }

  /** Why the last page could not be read. */
  get error(): ReadonlySignal<unknown> {
    return this.#error;
  }

  /** How long the last page took on the server. */
  get ms(): ReadonlySignal<number | null> {
    return this.#ms;
  }

  /** Whether the row that is looked for is not among these. */
  get missing(): ReadonlySignal<boolean> {
    return this.#missing;
  }

  /** The query of the first page, to be shown. */
  get firstPage(): BoundSql {
    return pageSql(this.#question(null, false));
  }

  /** Reads the page that begins with the row that is looked for, or the first one. */
  async start(): Promise<void> {
    const { key, sort } = this.look;
    if (key === null) return await this.open();
    const found = await this.#read(null, false, 1, key);
    if (found === null) return;
    const [row] = found;
    // By its key alone nobody knows where it would stand in another order.
    if (row === undefined && sort !== null) await this.open();
    else await this.#openAt(row?.place ?? { sorted: null, key }, 0);
    if (this.#rows.value.rows.length === 0) await this.open("last");
    this.#missing.value = row === undefined;
  }

  /** Reads the first page, or the last one. */
  async open(end: "first" | "last" = "first"): Promise<void> {
    const last = end === "last";
    this.#missing.value = false;
    const rows = await this.#read(null, last);
    if (rows === null) return;
    const all = rows.length <= this.#limit || this.#key.length === 0;
    const kept = rows.slice(0, this.#limit);
    this.#rows.value = {
      rows: last ? kept.reverse() : kept,
      atStart: !last || all,
      atEnd: last || all,
      first: 0,
    };
    this.#loaded.value = true;
  }

  /** Reads the page behind the last row. */
  async more(): Promise<void> {
    const { value } = this.#rows;
    const last = value.rows.at(-1);
    if (value.atEnd || last === undefined || this.#running !== null) return;
    const rows = await this.#read(last.place, false);
    if (rows === null) return;
    const { window, dropped } = appended(
      value,
      rows.slice(0, this.#limit),
      rows.length <= this.#limit,
    );
    this.#rows.value = { ...window, first: value.first + dropped };
  }

  /** Reads the page before the first row. */
  async before(): Promise<void> {
    const { value } = this.#rows;
    const [first] = value.rows;
    if (value.atStart || first === undefined || this.#running !== null) return;
    const rows = await this.#read(first.place, true);
    if (rows === null) return;
    const kept = rows.slice(0, this.#limit).reverse();
    const window = prepended(value, kept, rows.length <= this.#limit);
    this.#rows.value = { ...window, first: value.first - kept.length };
  }

  /** Reads what is held once more, from its first row on, at least as of this index. */
  async refresh(minIndex = this.#minIndex): Promise<void> {
    this.#minIndex = Math.max(minIndex, this.#minIndex);
    this.stop();
    const { value } = this.#rows;
    if (value.atStart || value.rows.length === 0) return await this.open();
    await this.#openAt(value.rows[0]!.place, value.first);
  }

  /** Ends what is being read. */
  stop(): void {
    this.#running?.abort();
    this.#running = null;
  }

  /** Reads the page that begins with the row of this place, or with the next one. */
  async #openAt(place: RowPlace, first: number): Promise<void> {
    // A page begins behind a row: the one before is looked for first.
    const before = await this.#read(place, true, 1);
    if (before === null) return;
    const rows = await this.#read(before[0]?.place ?? null, false);
    if (rows === null) return;
    this.#rows.value = {
      rows: rows.slice(0, this.#limit),
      atStart: before.length === 0,
      atEnd: rows.length <= this.#limit,
      first,
    };
    this.#loaded.value = true;
  }

  get #key(): PageQuestion["key"] {
    return this.identity.kind === "key" ? this.identity.parts : [];
  }

  get #limit(): number {
    return this.#key.length === 0 ? KEYLESS_ROWS : PAGE_ROWS;
  }

  #question(
    from: RowPlace | null,
    backward: boolean,
    limit = this.#limit + 1,
    key: readonly ExactValue[] | null = null,
  ): PageQuestion {
    const { object, filters, sort } = this.look;
    const conditions = [
      filtersSql(filters),
      key === null ? null : rowCondition(this.#key, key),
    ].filter((condition) => condition !== null);
    return {
      table: object.name,
      columns: this.columns,
      key: this.#key,
      sort,
      filter: conditions.length === 0 ? null : joined(conditions, " AND "),
      from,
      backward,
      limit,
    };
  }

  /** Null: it was ended, or failed. */
  async #read(
    from: RowPlace | null,
    backward: boolean,
    limit?: number,
    key?: readonly ExactValue[],
  ): Promise<Row[] | null> {
    const own = new AbortController();
    this.stop();
    this.#running = own;
    this.#loading.value = true;
    try {
      const { sql, params } = pageSql(
        this.#question(from, backward, limit, key),
      );
      const answer = await call("query", {
        body: {
          sql,
          params,
          limit: KEYLESS_ROWS + 1,
          min_index: this.#minIndex,
        },
        signal: own.signal,
      });
      if (own.signal.aborted) return null;
      this.#error.value = null;
      this.#ms.value = answer.ms;
      return rowsOfPage(
        answer.rows,
        this.columns.length,
        this.look.sort !== null,
      );
    } catch (error) {
      if (!own.signal.aborted) this.#error.value = error;
      return null;
    } finally {
      if (this.#running === own) {
        this.#running = null;
        this.#loading.value = false;
      }
    }
  }
}
