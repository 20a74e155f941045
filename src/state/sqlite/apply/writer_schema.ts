import type { SqlValue } from "../../sql/types.ts";
import type { SqliteConnection } from "../driver/driver.ts";
import type { Compiled } from "../statement/cache.ts";
import type { Policy } from "../statement/policy.ts";
import { Catalog } from "./catalog.ts";
import type { EntryContext } from "./entry_context.ts";
import { RowidGuards, shadowsWritten } from "./rowid_guards.ts";
import type { SchemaTraits } from "./schema_traits.ts";
import { checkShadows } from "./shadow_tables.ts";
import { checkContents, storageOf } from "./virtual_tables.ts";

/** The schema as it is within the writer's open transaction, and what the writer sets up for it. */
export class WriterSchema {
  readonly #connection: SqliteConnection;
  readonly #policy: Policy;
  readonly #catalog: Catalog;
  readonly #guards: RowidGuards;
  #traits: SchemaTraits | null = null;
  #storage: ReadonlySet<string> | null = null;
  #virtualTables: readonly string[] = [];

  /** Of `connection`, which must allow everything so far. */
  constructor(
    connection: SqliteConnection,
    context: EntryContext,
    policy: Policy,
  ) {
    this.#connection = connection;
    this.#policy = policy;
    this.#catalog = new Catalog(connection);
    this.#guards = new RowidGuards(connection, context);
  }

  /** What it says about how entries must be applied. */
  get traits(): SchemaTraits {
    if (this.#traits !== null) return this.#traits;
    this.#catalog.read();
    this.#guards.look();
    return this.#update();
  }

  /** See `storageOf`. */
  get storage(): ReadonlySet<string> | null {
    return this.#storage;
  }

  /** The names of virtual tables. */
  get virtualTables(): readonly string[] {
    return this.#virtualTables;
  }

  /** It may be anything: a change was undone. */
  forget(): void {
    this.#traits = null;
    this.#guards.forget();
  }

  /**
   * Follows what a statement has changed.
   * @throws {HiqliteError} `forbidden` if the schema must not be like that, and as {@linkcode check}; the statement has to be undone.
   */
  follow(compiled: Compiled): void {
    const { keyword, statement, observed } = compiled;
    const what = keyword === "CREATE"
      ? "create"
      : keyword === "DROP"
      ? "drop"
      : "other";
    this.#catalog.follow(what, statement.source);
    if (what !== "create") {
      this.#guards.look();
      this.#guards.dropDated();
    }
    const traits = this.#update();
    checkShadows(this.#catalog.takeTexts(), traits);
    if (this.#storage !== null) checkContents(this.#connection, this.#policy);
    this.#guards.requireNames(traits);
    // What a trigger of a dropped table's child wrote. Of what it was before, some may be gone.
    compiled.shadows = shadowsWritten(observed, traits);
    this.#guards.check(compiled, null);
  }

  /** Guards the tables that the statement writes to; true if some were not yet, so that it has to be compiled again. */
  guard(compiled: Compiled): boolean {
    return this.#guards.install(compiled, this.traits);
  }

  /** Statements were undone, and perhaps guards with them; true if so. */
  undone(): boolean {
    return this.#guards.undone();
  }

  /** Looks at what no trigger sees, or says in vain, after a statement that inserted this rowid last; see `RowidGuards.check`. */
  check(compiled: Compiled, inserted: SqlValue): void {
    this.#guards.check(compiled, inserted);
  }

  #update(): SchemaTraits {
    const traits = this.#catalog.traits;
    this.#traits = traits;
    this.#storage = storageOf(traits);
    this.#virtualTables = [...traits.rowidTables.values()]
      .filter(({ virtual }) => virtual).map(({ name }) => name);
    this.#guards.installShadows(traits);
    return traits;
  }
}
