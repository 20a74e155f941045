/** What an editor is told. */
export interface EditorSettings {
  readonly text: string;
  /** Tables with their columns, which are offered. */
  readonly schema: Readonly<Record<string, readonly string[]>>;
  readonly onText: (text: string) => void;
  readonly onSelection: (selection: {
    readonly from: number;
    readonly to: number;
  }) => void;
  readonly onRun: () => void;
  readonly onExplain: () => void;
}

/** An editor that is there. */
export interface EditorHandle {
  text(): string;
  setText(text: string): void;
  /** In place of the selection. */
  insert(text: string): void;
  setSchema(schema: EditorSettings["schema"]): void;
  /** Underlines the word there; null: nothing. */
  showError(at: number | null): void;
  focus(): void;
  destroy(): void;
}
