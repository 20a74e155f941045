import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { MemberApi } from "./api.ts";
import type { ApiTargets } from "./clients.ts";
import { type CacheDefect, FakeCaches } from "./fake_caches.ts";
import { FakeServices, type ServiceDefect } from "./fake_services.ts";

/** What a fake member does wrong. */
export type Defect =
  /** Acknowledges some writes without applying them. */
  | "lose"
  /** Applies some writes twice. */
  | "double"
  /** Answers some reads from an old state. */
  | "stale"
  /** Keeps the beginning of some transactions. */
  | "tear"
  | CacheDefect
  | ServiceDefect;

/** One call in so many is answered wrongly. */
const EVERY = 13;

/** Writes by which a stale read is behind. */
const LAG = 20;

interface Statement {
  readonly sql: string;
  readonly params?: readonly SQLInputValue[];
}

/**
 * The API over one SQLite database, and caches beside it, without any cluster, to prove that the
 * workloads accept a correct system and notice a wrong one.
 */
export class FakeMember implements ApiTargets, AsyncDisposable {
  readonly nodes: readonly number[] = [1, 2, 3];
  readonly #database = new DatabaseSync(":memory:");
  /** What stale reads see: it gets each write much later. */
  readonly #behind = new DatabaseSync(":memory:");
  readonly #late: (readonly Statement[])[] = [];
  readonly #remembered = new Map<string, object>();
  readonly #server: Deno.HttpServer<Deno.NetAddr>;
  readonly #defect: Defect | undefined;
  readonly #caches = new FakeCaches((defect) => this.#wrong(defect));
  readonly #services: FakeServices;
  #index = 0;
  #calls = 0;

  /** Serves on a free port. */
  constructor(defect?: Defect) {
    this.#defect = defect;
    this.#services = new FakeServices(
      (defect) => this.#wrong(defect),
      defect === "believe",
    );
    this.#server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen: () => {} },
      (request) => this.#handle(request),
    );
  }

  /** The same member under every number. */
  api(_node: number): MemberApi {
    return new MemberApi({
      url: `http://127.0.0.1:${this.#server.addr.port}`,
      secret: "not checked here",
    });
  }

  /** Stops serving. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#server.shutdown();
    this.#database.close();
    this.#behind.close();
  }

  async #handle(request: Request): Promise<Response> {
    const service = await this.#services.answer(request.clone());
    if (service !== null) return service;
    const body = await request.json();
    const route = new URL(request.url).pathname.split("/").at(-1);
    if (request.url.includes("/caches/")) {
      return this.#askCaches(request, route!, body);
    }
    try {
      if (route === "query") return Response.json(this.#query(body));
      const key = request.headers.get("idempotency-key");
      const known = key === null ? undefined : this.#remembered.get(key);
      if (known !== undefined) return Response.json(known);
      if (!this.#services.mayWrite(body.fence)) {
        const error = { code: "fenced", message: "the lock is lost" };
        return Response.json({ error }, { status: 409 });
      }
      const statements: Statement[] = route === "txn"
        ? body.statements
        : [body];
      const results = this.#write(statements);
      const answer = route === "txn" ? { results } : results[0]!;
      const indexed = { ...answer, index: this.#index };
      if (key !== null) this.#remembered.set(key, indexed);
      return Response.json(indexed);
    } catch (error) {
      const { message } = error as Error;
      const code = message.includes("constraint") ? "constraint" : "internal";
      return Response.json({ error: { code, message } }, { status: 409 });
    }
  }

  #askCaches(
    { headers }: Request,
    route: string,
    body: Parameters<FakeCaches["answer"]>[1],
  ): Response {
    const key = headers.get("idempotency-key");
    const known = key === null ? undefined : this.#remembered.get(key);
    const answer = known ?? this.#caches.answer(route, body) as object;
    if (key !== null) this.#remembered.set(key, answer);
    return Response.json(answer, { status: "error" in answer ? 412 : 200 });
  }

  #wrong(defect: Defect): boolean {
    return this.#defect === defect && ++this.#calls % EVERY === 0;
  }

  #query(statement: Statement): object {
    const stale = this.#wrong("stale");
    const database = stale ? this.#behind : this.#database;
    return { ...run(database, statement), index: this.#index };
  }

  #write(statements: readonly Statement[]): object[] {
    const schema = /^(CREATE|INSERT OR IGNORE)/.test(statements[0]!.sql);
    const lost = !schema && this.#wrong("lose");
    if (!schema && this.#wrong("tear")) {
      transact(this.#database, statements.slice(0, 1));
      return statements.map(() => ({ rows_affected: 1, rows: [[1]] }));
    }
    const results = transact(this.#database, statements, lost);
    if (!schema && this.#wrong("double")) transact(this.#database, statements);
    this.#index++;
    this.#late.push(statements);
    if (schema || this.#late.length > LAG) {
      transact(this.#behind, this.#late.shift()!);
    }
    return results;
  }
}

function transact(
  database: DatabaseSync,
  statements: readonly Statement[],
  undone = false,
): object[] {
  database.exec("BEGIN");
  try {
    const results = statements.map((statement) => run(database, statement));
    database.exec(undone ? "ROLLBACK" : "COMMIT");
    return results;
  } catch (error) {
    database.exec("ROLLBACK");
    throw error;
  }
}

function run(database: DatabaseSync, { sql, params = [] }: Statement): object {
  const statement = database.prepare(sql);
  if (statement.columns().length === 0) {
    const { changes } = statement.run(...params);
    return { rows_affected: Number(changes), rows: [] };
  }
  const rows = statement.all(...params).map((row) => Object.values(row));
  return { rows_affected: rows.length, rows };
}
