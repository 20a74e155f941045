import {
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
} from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { sql } from "@codemirror/lang-sql";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import {
  Compartment,
  EditorState,
  StateEffect,
  StateField,
} from "@codemirror/state";
import {
  Decoration,
  type DecorationSet,
  drawSelection,
  EditorView,
  highlightActiveLine,
  keymap,
  lineNumbers,
} from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { OWN_SQLITE } from "./dialect.ts";
import type { EditorHandle, EditorSettings } from "./editor_types.ts";

const setError = StateEffect.define<{ from: number; to: number } | null>();

/** The word that is wrong, underlined until the text changes. */
const errorMark = StateField.define<DecorationSet>({
  create: () => Decoration.none,
  update(marks, change) {
    let next = change.docChanged ? Decoration.none : marks;
    for (const effect of change.effects) {
      if (!effect.is(setError)) continue;
      next = effect.value === null
        ? Decoration.none
        : Decoration.set([mark.range(effect.value.from, effect.value.to)]);
    }
    return next;
  },
  provide: (field) => EditorView.decorations.from(field),
});
const mark = Decoration.mark({ class: "cm-wrong" });

const colours = HighlightStyle.define([
  { tag: tags.keyword, color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--success)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--warning)" },
  { tag: tags.comment, color: "var(--text-3)", fontStyle: "italic" },
  { tag: tags.typeName, color: "var(--info)" },
]);

const look = EditorView.theme({
  "&": {
    blockSize: "100%",
    backgroundColor: "var(--surface)",
    color: "var(--text)",
  },
  // Its frame has the ring: here the numbers of lines would cover it.
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": {
    fontFamily: "var(--mono)",
    fontSize: "13px",
    lineHeight: "20px",
  },
  ".cm-gutters": {
    backgroundColor: "var(--surface)",
    color: "var(--text-3)",
    border: "none",
    paddingInlineStart: "8px",
  },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "transparent" },
  "&.cm-focused .cm-activeLine": {
    backgroundColor: "color-mix(in srgb, var(--hover) 50%, transparent)",
  },
  ".cm-cursor": { borderLeftColor: "var(--text)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground":
    {
      backgroundColor: "color-mix(in srgb, var(--accent) 26%, transparent)",
    },
  ".cm-wrong": {
    textDecoration: "underline wavy var(--danger)",
    textUnderlineOffset: "3px",
  },
  ".cm-tooltip": {
    border: "1px solid var(--border)",
    borderRadius: "6px",
    backgroundColor: "var(--surface)",
    color: "var(--text)",
    boxShadow: "var(--shadow)",
  },
  ".cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mono)",
    fontSize: "12px",
    padding: "4px",
  },
  ".cm-tooltip-autocomplete > ul > li": {
    padding: "4px 8px",
    borderRadius: "4px",
  },
  ".cm-completionMatchedText": { textDecoration: "none", fontWeight: "600" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--accent)",
  },
  ".cm-panels": { backgroundColor: "var(--sunken)", color: "var(--text)" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-soft)" },
});

/**
 * What is typed over a selection, and made bold, is written here and not by the browser: it would keep the look of
 * what was there in a style attribute, which the policy refuses.
 */
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    if (event.inputType.startsWith("format")) {
      event.preventDefault();
      return true;
    }
    const { data } = event;
    const { state } = view;
    const { from, to, empty } = state.selection.main;
    if (event.inputType !== "insertText" || data === null || empty) {
      return false;
    }
    event.preventDefault();
    const typed = () =>
      state.update(state.replaceSelection(data), {
        userEvent: "input.type",
        scrollIntoView: true,
      });
    // A bracket is put around what is selected.
    const handlers = state.facet(EditorView.inputHandler);
    if (!handlers.some((handler) => handler(view, from, to, data, typed))) {
      view.dispatch(typed());
    }
    return true;
  },
  // What is composed cannot be written here, but the place where it is written can be empty.
  compositionstart(_, view) {
    if (!view.state.selection.main.empty) {
      view.dispatch(view.state.replaceSelection(""));
    }
    return false;
  },
});

/** Puts the editor into a shadow root, where its styles need no exception of the policy. */
export function mountEditor(
  root: ShadowRoot,
  settings: EditorSettings,
): EditorHandle {
  const language = new Compartment();
  const view = new EditorView({
    root,
    parent: root,
    state: stateOf(settings, language),
  });
  return {
    text: () => view.state.doc.toString(),
    setText(text) {
      if (text === view.state.doc.toString()) return;
      view.dispatch({
        changes: { from: 0, to: view.state.doc.length, insert: text },
      });
    },
    insert(text) {
      view.dispatch(view.state.replaceSelection(text));
      view.focus();
    },
    setSchema(schema) {
      view.dispatch({ effects: language.reconfigure(languageOf(schema)) });
    },
    showError(at) {
      const { length } = view.state.doc;
      const word = at === null ? null : view.state.wordAt(Math.min(at, length));
      const range = at === null ? null : word ??
        {
          from: Math.min(at, Math.max(0, length - 1)),
          to: Math.min(at + 1, length),
        };
      const empty = range !== null && range.from >= range.to;
      view.dispatch({
        effects: setError.of(
          range === null || empty ? null : { from: range.from, to: range.to },
        ),
      });
    },
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

function stateOf(settings: EditorSettings, language: Compartment): EditorState {
  return EditorState.create({
    doc: settings.text,
    extensions: [
      keymap.of([
        { key: "Mod-Enter", run: (view) => ended(view, settings.onRun) },
        {
          key: "Mod-Shift-Enter",
          run: (view) => ended(view, settings.onExplain),
        },
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...defaultKeymap,
        ...historyKeymap,
      ]),
      lineNumbers(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      typedOver,
      autocompletion({ icons: false, filterStrict: true }),
      highlightActiveLine(),
      EditorView.lineWrapping,
      syntaxHighlighting(colours),
      EditorView.contentAttributes.of({ "aria-label": "SQL" }),
      errorMark,
      look,
      language.of(languageOf(settings.schema)),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) settings.onText(update.state.doc.toString());
        if (update.selectionSet || update.docChanged) {
          const { from, to } = update.state.selection.main;
          settings.onSelection({ from, to });
        }
      }),
    ],
  });
}

/** What was offered would stand over what came of it. */
function ended(view: EditorView, act: () => void): boolean {
  closeCompletion(view);
  act();
  return true;
}

function languageOf(schema: EditorSettings["schema"]) {
  return sql({
    dialect: OWN_SQLITE,
    schema: { ...schema },
    upperCaseKeywords: true,
  });
}
