/** One call of a client, from its invocation to its answer. */
export interface Operation<Input, Output> {
  readonly process: number;
  readonly input: Input;
  /** What the client was told; undefined when it never learnt the outcome. */
  readonly output: Output | undefined;
  /** Position of the invocation in the history. */
  readonly call: number;
  /** Position of the answer; Infinity for an outcome that stays open, which may take effect at any time or never. */
  readonly return: number;
}

/** What a step of a model says. */
export interface Step<State> {
  /** Whether the answer is possible in this state. */
  readonly ok: boolean;
  /** The state afterwards. */
  readonly state: State;
}

/** A sequential specification. States are values: a step never changes one in place. */
export interface Model<State, Input, Output> {
  init(): State;
  /** `output` is undefined for an outcome nobody knows: then every answer is possible. */
  step(state: State, input: Input, output: Output | undefined): Step<State>;
  /** Equal only for equal states; the more often so, the less is searched twice. Numbers are integers in `0 … 2^32 - 1`. */
  key(state: State): string | number;
  /** Which independent part of the state an operation touches; absent when there is only one. */
  partition?(input: Input): string;
  /** Whether an operation with this answer leaves every state as it is; the search need not try it in two places. */
  readOnly?(input: Input, output: Output): boolean;
}
