import { HiqliteError } from "../../../errors.ts";
import {
  type AnalysisRequest,
  ANALYZED_MAX,
  type PlanRow,
  type StatementAnalysis,
} from "../../sql/analysis.ts";
import {
  FAIL,
  NO_BINDINGS,
  type SqliteConnection,
  type SqliteDriver,
} from "../driver/driver.ts";
import { isMomentary, readFailure } from "../driver/result_codes.ts";
import { defineLockFunctions } from "../locks/functions.ts";
import { StatementCache } from "../statement/cache.ts";
import { nothingObserved, type Observed } from "../statement/observed.ts";
import { openVirtualTables } from "../statement/open_virtual_tables.ts";
import { Policy } from "../statement/policy.ts";
import { Action, NOTIFY_FUNCTION, SCHEMA_ACTIONS } from "../statement/rules.ts";
import { describeStatement, statementRanges } from "../statement/text.ts";
import { changesWhere, dropsColumn, placeInText } from "./statement_shape.ts";

const DROPS: ReadonlySet<number> = new Set([
  Action.dropIndex,
  Action.dropTable,
  Action.dropTrigger,
  Action.dropView,
  Action.dropVirtualTable,
]);

/** What the compiler asked for. */
interface Asked {
  /** Triggers and views in which it did. */
  readonly within: Set<string>;
  readonly touched: Set<string>;
  drops: boolean;
  /** It publishes events. */
  publishes: boolean;
}

/** A statement that was compiled, or why it was not. */
type CompileVerdict =
  | { readonly observed: Observed; readonly asked: Asked }
  | { readonly problem: HiqliteError };

/**
 * Says what statements would do: it compiles them as the writer would, and if that refuses one, as a reader would, and
 * runs nothing but EXPLAIN QUERY PLAN.
 */
export class Analyzer implements Disposable {
  readonly #connection: SqliteConnection;
  readonly #writing = new Policy({ readOnly: false });
  readonly #reading = new Policy({ readOnly: true });
  #policy = this.#writing;
  #asked: Asked = nothingAsked();
  readonly #triggers: ReadonlySet<string>;

  /** Looks at the database at `path`. */
  constructor(driver: SqliteDriver, path: string) {
    this.#connection = driver.open(path, { readOnly: true });
    this.#connection.exec("PRAGMA trusted_schema = ON; BEGIN");
    this.#connection.define(NOTIFY_FUNCTION, false, () => FAIL);
    this.#connection.authorize((action, first, second, database, within) => {
      this.#note(action, first, within);
      this.#asked.publishes ||= action === Action.function &&
        second?.toLowerCase() === NOTIFY_FUNCTION;
      return this.#policy.authorize(action, first, second, database, within);
    });
    defineLockFunctions(this.#connection, this.#reading, () => null);
    openVirtualTables(
      this.#connection,
      this.#texts(
        "SELECT name FROM main.sqlite_schema WHERE type = 'table' AND rootpage = 0",
      ),
    );
    this.#triggers = new Set(
      this.#texts("SELECT name FROM main.sqlite_schema WHERE type = 'trigger'"),
    );
  }

  /**
   * What each statement of a text would do.
   * @throws {HiqliteError} `invalid` for more than 1,000 statements.
   */
  analyze(sql: string, request: AnalysisRequest): StatementAnalysis[] {
    const found: StatementAnalysis[] = [];
    for (const { start, end } of statementRanges(sql)) {
      if (found.length === ANALYZED_MAX) {
        throw new HiqliteError(
          "invalid",
          `The text has more than ${ANALYZED_MAX} statements, the most that are looked at together`,
        );
      }
      found.push(this.#analyze(sql.slice(start, end), start, request));
    }
    return found;
  }

  /** Releases the file. */
  [Symbol.dispose](): void {
    this.#connection.close();
  }

  #analyze(
    sql: string,
    start: number,
    { plan }: AnalysisRequest,
  ): StatementAnalysis {
    const { keywords: [keyword = ""], slots } = describeStatement(sql);
    const verdict = this.#verdict(keyword, sql);
    const refused = "problem" in verdict;
    const observed = refused ? nothingObserved() : verdict.observed;
    const asked = refused ? nothingAsked() : verdict.asked;
    const kind = refused
      ? "refused"
      : observed.schema
      ? "ddl"
      : observed.data || asked.publishes
      ? "write"
      : "read";
    const planned = plan && keyword !== "EXPLAIN" && keyword !== "PRAGMA" &&
      (kind === "read" || kind === "write");
    const problem = refused ? verdict.problem.message : undefined;
    const place = problem === undefined ? undefined : placeInText(sql, problem);
    return {
      start,
      end: start + sql.length,
      kind,
      keyword,
      reads: kind === "ddl" ? others(observed.reads) : [...observed.reads],
      writes: kind === "ddl" ? others(observed.writes) : [...observed.writes],
      touches: [...new Set([...observed.touches, ...asked.touched])],
      triggers: [...asked.within].filter((name) => this.#triggers.has(name)),
      drops: asked.drops || kind === "ddl" && dropsColumn(sql),
      hasWhere: changesWhere(sql),
      parameters: slots,
      ...(problem === undefined ? {} : { message: problem }),
      ...(place === undefined ? {} : { offset: start + place }),
      ...(planned ? { plan: this.#plan(sql) } : {}),
    };
  }

  /** What the writer may do counts; what only a reader may, reads. EXPLAIN is for readers. */
  #verdict(keyword: string, sql: string): CompileVerdict {
    if (keyword === "EXPLAIN") return this.#compile(this.#reading, sql);
    const written = this.#compile(this.#writing, sql);
    if (!("problem" in written)) return written;
    const read = this.#compile(this.#reading, sql);
    if (!("problem" in read)) return read;
    const queries = /^(SELECT|VALUES|PRAGMA)$/.test(keyword);
    return queries ? read : written;
  }

  #compile(policy: Policy, sql: string): CompileVerdict {
    this.#policy = policy;
    this.#asked = nothingAsked();
    const cache = new StatementCache(
      this.#connection,
      policy,
      0,
      (keyword) => keyword === "VACUUM" ? "VACUUM is not allowed" : null,
    );
    try {
      const { observed, statement } = cache.get(sql);
      statement.release();
      return { observed, asked: this.#asked };
    } catch (error) {
      if (isMomentary(error)) throw error;
      const problem = readFailure(error, policy.refusal);
      if (problem instanceof HiqliteError) return { problem };
      throw problem;
    }
  }

  #note(action: number, first: string | null, within: string | null): void {
    const { within: names, touched } = this.#asked;
    if (within !== null) names.add(within);
    if (SCHEMA_ACTIONS.has(action) && action !== Action.alterTable) {
      touched.add(first!);
    }
    this.#asked.drops ||= DROPS.has(action);
  }

  #plan(sql: string): PlanRow[] {
    const statement = this.#connection.prepare(`EXPLAIN QUERY PLAN ${sql}`)!;
    const rows = statement.all(NO_BINDINGS);
    statement.release();
    return rows.map(([id, parent, , detail]) => ({
      id: Number(id),
      parent: Number(parent),
      detail: detail as string,
    }));
  }

  #texts(sql: string): string[] {
    return this.#connection.prepare(sql)!.all(NO_BINDINGS)
      .map(([text]) => text as string);
  }
}

/** A change of the schema reads and writes where SQLite keeps it: nobody asked for that. */
function others(names: ReadonlySet<string>): string[] {
  return [...names].filter((name) => !name.startsWith("sqlite_"));
}

function nothingAsked(): Asked {
  return {
    within: new Set(),
    touched: new Set(),
    drops: false,
    publishes: false,
  };
}
