/** More of a statement's text is not told, characters. */
const TEXT_MAX = 1_000;
/** Under which OpenTelemetry keeps the present span in a context. */
const SPAN_KEY = Symbol.for("OpenTelemetry Context Key SPAN");
/** OpenTelemetry's code of a span that failed. */
const ERROR = 2;

/** A span of another process, as it is told (W3C Trace Context). */
const TRACEPARENT = /^00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})$/;

/** What tells a span apart, in every process. */
interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
}

/** What is used of OpenTelemetry's Span. */
interface OtelSpan {
  spanContext(): OtelSpanContext;
  setStatus(status: { code: number; message?: string }): unknown;
  /** @default now */
  end(atMs?: number): void;
}

/** What is used of OpenTelemetry's Tracer. */
interface OtelTracer {
  startSpan(
    name: string,
    options: {
      readonly attributes?: SpanAttributes;
      /** Unix ms. @default now */
      readonly startTime?: number;
    },
    context?: OtelContext,
  ): OtelSpan;
}

/** What is used of OpenTelemetry's Context. */
interface OtelContext {
  setValue(key: symbol, value: unknown): OtelContext;
}

/** What a span says, under OpenTelemetry's names. */
export type SpanAttributes = Readonly<Record<string, string | number>>;

/** What is told of a statement. */
export function statementAttributes(sql: string): SpanAttributes {
  return {
    "db.system.name": "sqlite",
    "db.query.text": sql.slice(0, TEXT_MAX),
  };
}

/** Something that was done, as part of what another process traces; times in Unix ms. */
export interface TracedPart {
  readonly name: string;
  readonly beganMs: number;
  readonly endedMs: number;
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
    attributes: SpanAttributes,
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

  /** The present step as other processes are told of it (W3C Trace Context), so that what they do is below it. */
  get traceparent(): string {
    const { traceId, spanId, traceFlags } = (this.#step ?? this.#span)
      .spanContext();
    return `00-${traceId}-${spanId}-${
      traceFlags.toString(16).padStart(2, "0")
    }`;
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

  /** Whether anybody listens. */
  get listening(): boolean {
    return this.#tracer !== null;
  }

  /** Begins to trace what was asked for, below the request that it came with; null if nobody listens. `tell` says what it is, without parameters, keys and values. */
  begin<T>(
    name: string,
    tell: (of: T) => SpanAttributes,
    of: T,
  ): Trace | null {
    if (this.#tracer === null) return null;
    const context = Deno.telemetry.contextManager.active();
    return new Trace(this.#tracer, context, name, tell(of));
  }

  /**
   * Tells what was done here below a span of another process, and its steps; `failure` is the code of an error. What is
   * no traceparent is left out.
   */
  tellPart(
    traceparent: string,
    whole: TracedPart,
    steps: readonly TracedPart[],
    failure: string | null,
  ): void {
    const parent = spanElsewhere(traceparent);
    if (this.#tracer === null || parent === null) return;
    const context = Deno.telemetry.contextManager.active();
    const above = context.setValue(SPAN_KEY, parent);
    const span = this.#begun(whole, above);
    for (const step of steps) {
      this.#begun(step, context.setValue(SPAN_KEY, span)).end(step.endedMs);
    }
    if (failure !== null) span.setStatus({ code: ERROR, message: failure });
    span.end(whole.endedMs);
  }

  #begun({ name, beganMs }: TracedPart, context: OtelContext): OtelSpan {
    return this.#tracer!.startSpan(name, { startTime: beganMs }, context);
  }
}

/** A span of another process, as spans are put in a context. */
function spanElsewhere(
  traceparent: string,
): Pick<OtelSpan, "spanContext"> | null {
  const [, traceId, spanId, flags] = TRACEPARENT.exec(traceparent) ?? [];
  if (traceId === undefined) return null;
  const context = {
    traceId,
    spanId: spanId!,
    traceFlags: parseInt(flags!, 16),
    isRemote: true,
  };
  return { spanContext: () => context };
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
