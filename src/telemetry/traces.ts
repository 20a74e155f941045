/** More of a statement's text is not told, characters. */
const TEXT_MAX = 1_000;
/** Under which OpenTelemetry keeps the present span in a context. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");
/** OpenTelemetry's code of a span that failed. */
const ERROR = 2;

/** What is used of OpenTelemetry's Span. */
interface OtelSpan {
  setStatus(status: { code: number; message?: string }): unknown;
  end(): void;
}

/** What is used of OpenTelemetry's Tracer. */
interface OtelTracer {
  startSpan(
    name: string,
    options: { attributes?: Readonly<Record<string, string>> },
    context?: OtelContext,
  ): OtelSpan;
}

/** What is used of OpenTelemetry's Context. */
interface OtelContext {
  setValue(key: symbol, value: unknown): OtelContext;
}

/** Something that is traced: a span, and steps of it one after the other. */
export class Trace {
  readonly #tracer: OtelTracer;
  readonly #span: OtelSpan;
  readonly #within: OtelContext;
  #step: OtelSpan | null = null;

  /** Begins a span below the present one. */
  constructor(
    tracer: OtelTracer,
    context: OtelContext,
    name: string,
    attributes: Readonly<Record<string, string>>,
  ) {
    this.#tracer = tracer;
    this.#span = tracer.startSpan(name, { attributes }, context);
    this.#within = context.setValue(SPAN_KEY, this.#span);
  }

  /** Ends the step before, and begins another one. */
  step(name: string): void {
    this.#step?.end();
    this.#step = this.#tracer.startSpan(name, {}, this.#within);
  }

  /** Ends the step and the span; `failure` is the code of an error. */
  end(failure: string | null): void {
    this.#step?.end();
    if (failure !== null) {
      this.#span.setStatus({ code: ERROR, message: failure });
    }
    this.#span.end();
  }
}

/** Traces for OpenTelemetry, which the runtime itself exports (`OTEL_DENO=true`); without that nothing happens. */
export class Traces {
  readonly #tracer: OtelTracer | null;

  /** Of a program in this version. */
  constructor(version: string) {
    this.#tracer = runtimeTracer(version);
  }

  /** Begins to trace a statement, below the request that it came with; null if nobody listens. `textOf` tells its text, without parameters. */
  begin<T>(name: string, textOf: (of: T) => string, of: T): Trace | null {
    if (this.#tracer === null) return null;
    return new Trace(
      this.#tracer,
      Deno.telemetry.contextManager.active(),
      name,
      {
        "db.system.name": "sqlite",
        "db.query.text": textOf(of).slice(0, TEXT_MAX),
      },
    );
  }
}

/** The runtime's tracer; null if it exports nothing, which shows when a span is begun. */
function runtimeTracer(version: string): OtelTracer | null {
  try {
    const tracer = Deno.telemetry.tracerProvider.getTracer("hiqlite", version);
    return tracer.startSpan("look").isRecording() ? tracer : null;
  } catch {
    return null;
  }
}
