import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import type {
  JsonForeignKey,
  JsonSchemaColumn,
  JsonSchemaIndex,
  JsonSchemaObject,
} from "../../src/api/dashboard/schema.ts";
import { foldName } from "../../src/state/sqlite/statement/text.ts";
import { call } from "../api.ts";
import { Button } from "../parts/button.tsx";
import { Chip } from "../parts/chip.tsx";
import { Copyable } from "../parts/copy_button.tsx";
import { Table } from "../parts/table.tsx";
import { identityOf } from "../rows/identity.ts";
import { href } from "../route.ts";
import { affinityOf } from "../values/affinity.ts";
import { shownBytes, shownText } from "../values/shown.ts";
import { templatesOf } from "./templates.ts";

/** Measuring walks the whole table: it is ended after so long, ms. */
const SIZE_MS = 2_000;

/** Columns, indexes, foreign keys both ways, triggers and DDL of a table or view. */
export function ObjectDetail(
  { object, objects }: {
    readonly object: JsonSchemaObject;
    readonly objects: readonly JsonSchemaObject[];
  },
): VNode {
  return (
    <>
      <Facts object={object} />
      <Section title="Columns" count={object.columns.length}>
        <Columns object={object} />
      </Section>
      {object.kind === "view"
        ? null
        : (
          <Section title="Indexes" count={object.indexes.length}>
            <Indexes object={object} />
          </Section>
        )}
      <ForeignKeys object={object} objects={objects} />
      {object.triggers.length === 0
        ? null
        : (
          <Section title="Triggers" count={object.triggers.length}>
            <div class="inside stack">
              {object.triggers.map(({ name, sql }) => (
                <div key={name}>
                  <h3>{shownText(name)}</h3>
                  <Copyable text={sql} />
                </div>
              ))}
            </div>
          </Section>
        )}
      {object.sql === "" ? null : (
        <Section title="DDL">
          <div class="inside stack">
            <Copyable text={object.sql} />
            {object.indexes.flatMap(({ name, sql }) =>
              sql === null ? [] : [<Copyable key={name} text={sql} />]
            )}
          </div>
        </Section>
      )}
    </>
  );
}

function Facts({ object }: { readonly object: JsonSchemaObject }): VNode {
  return (
    <div class="schema-facts">
      <Chip>{object.kind}</Chip>
      {object.without_rowid ? <Chip>without rowid</Chip> : null}
      {object.strict ? <Chip>strict</Chip> : null}
      {object.internal ? <Chip tone="info">internal, read only</Chip> : null}
      {object.kind === "table" ? <Size name={object.name} /> : null}
      <div class="end actions">
        <a class="button compact" href={href("data", [object.name])}>Rows</a>
        {object.internal ? null : templatesOf(object).map(({ title, sql }) => (
          <a
            key={title}
            class="button compact plain"
            href={href("sql", [], { sql })}
          >
            {title}
          </a>
        ))}
      </div>
    </div>
  );
}

/** Only when asked for: it reads every page of the table. */
function Size({ name }: { readonly name: string }): VNode {
  const [text, setText] = useState<string | null>(null);
  const measure = async (): Promise<void> => {
    setText("measuring …");
    try {
      const { rows } = await call("query", {
        body: {
          sql: "SELECT sum(pgsize) FROM dbstat WHERE name = ?",
          params: [name],
        },
        signal: AbortSignal.timeout(SIZE_MS),
      });
      setText(shownBytes(Number(rows[0]?.[0] ?? 0)));
    } catch {
      setText("not measured within 2 s");
    }
  };
  return text === null
    ? (
      <Button compact look="plain" onClick={() => void measure()}>
        Measure size
      </Button>
    )
    : <span class="muted">{text}</span>;
}

function Section(
  { title, count, children }: {
    readonly title: string;
    readonly count?: number;
    readonly children: ComponentChildren;
  },
): VNode {
  return (
    <section class="card" aria-label={title}>
      <header>
        <h2>{title}</h2>
        {count === undefined ? null : <span class="faint">{count}</span>}
      </header>
      {children}
    </section>
  );
}

function Columns({ object }: { readonly object: JsonSchemaObject }): VNode {
  return (
    <Table
      caption={`Columns of ${object.name}`}
      columns={[
        {
          title: "Name",
          cell: (column: JsonSchemaColumn) => (
            <strong class="break">{shownText(column.name)}</strong>
          ),
        },
        {
          title: "Type",
          cell: ({ type }) =>
            type === ""
              ? <i class="null">none</i>
              : <code>{shownText(type)}</code>,
        },
        {
          title: "Affinity",
          cell: ({ type }) => affinityOf(type).toLowerCase(),
        },
        {
          title: "Null",
          cell: (column) => (
            <span class="nowrap">
              {neverNull(object, column) ? "not null" : "may be NULL"}
            </span>
          ),
        },
        {
          title: "Default",
          cell: (column) =>
            column.default === null
              ? "–"
              : <code>{shownText(column.default)}</code>,
        },
        {
          title: "Notes",
          cell: ({ key, generated, hidden }) => (
            <span class="actions">
              {key > 0 ? <Chip tone="accent">key {key}</Chip> : null}
              {generated === "no" ? null : <Chip>generated, {generated}</Chip>}
              {hidden ? <Chip>hidden</Chip> : null}
            </span>
          ),
        },
      ]}
      rows={object.columns}
      keyOf={({ name }) => name}
    />
  );
}

/** The key of a table WITHOUT ROWID, and another name of the rowid, are never NULL. */
function neverNull(
  object: JsonSchemaObject,
  { name, not_null: notNull, key }: JsonSchemaColumn,
): boolean {
  if (notNull || (object.without_rowid && key > 0)) return true;
  const identity = identityOf(object);
  return identity.kind === "key" &&
    identity.parts.some((part) => part.name === name);
}

function Indexes({ object }: { readonly object: JsonSchemaObject }): VNode {
  if (object.indexes.length === 0) {
    return (
      <p class="inside muted">None but the order of the rows themselves.</p>
    );
  }
  return (
    <Table
      caption={`Indexes of ${object.name}`}
      columns={[
        {
          title: "Name",
          cell: (index: JsonSchemaIndex) => (
            <strong class="break">{shownText(index.name)}</strong>
          ),
        },
        {
          title: "Columns",
          cell: ({ columns }) =>
            columns.map(({ name, descending, collation }) =>
              `${name === null ? "(expression)" : shownText(name)}${
                descending ? " DESC" : ""
              }${collation === "BINARY" ? "" : ` ${collation}`}`
            ).join(", "),
        },
        {
          title: "Notes",
          cell: ({ unique, partial, origin }) => (
            <span class="actions">
              {origin === "pk" ? <Chip tone="accent">primary key</Chip> : null}
              {unique ? <Chip>unique</Chip> : null}
              {partial ? <Chip>partial</Chip> : null}
            </span>
          ),
        },
        {
          title: "Change",
          titleUnseen: true,
          number: true,
          cell: ({ name, origin }) =>
            origin !== "c" ? null : (
              <a
                class="button compact plain"
                href={href("sql", [], {
                  sql: `DROP INDEX "${name.replaceAll('"', '""')}";`,
                })}
              >
                Drop
              </a>
            ),
        },
      ]}
      rows={object.indexes}
      keyOf={({ name }) => name}
    />
  );
}

/** A foreign key with the table that has it. */
interface Reference {
  readonly child: string;
  readonly key: JsonForeignKey;
}

function ForeignKeys(
  { object, objects }: {
    readonly object: JsonSchemaObject;
    readonly objects: readonly JsonSchemaObject[];
  },
): VNode | null {
  const own = object.foreign_keys.map((key) => ({ child: object.name, key }));
  const others = objects.flatMap((each) =>
    each.foreign_keys.filter((key) =>
      foldName(key.table) === foldName(object.name)
    ).map((key) => ({ child: each.name, key }))
  );
  if (own.length + others.length === 0) return null;
  return (
    <Section title="Foreign keys" count={own.length + others.length}>
      {own.length === 0 ? null : (
        <References
          caption={`${shownText(object.name)} refers to`}
          references={own}
          tableOf={({ key }) => key.table}
        />
      )}
      {others.length === 0 ? null : (
        <References
          caption={`Referred to by`}
          references={others}
          tableOf={({ child }) => child}
        />
      )}
    </Section>
  );
}

function References(
  { caption, references, tableOf }: {
    readonly caption: string;
    readonly references: readonly Reference[];
    readonly tableOf: (reference: Reference) => string;
  },
): VNode {
  return (
    <Table
      caption={caption}
      columns={[
        {
          title: caption,
          cell: (reference: Reference) => (
            <a href={href("schema", [tableOf(reference)])}>
              {shownText(tableOf(reference))}
            </a>
          ),
        },
        {
          title: "Columns",
          cell: ({ key }) =>
            key.from.map((from, at) =>
              `${shownText(from)} → ${shownText(key.to[at] ?? "its key")}`
            ).join(", "),
        },
        {
          title: "When it changes or goes",
          cell: ({ key }) =>
            `update ${key.on_update.toLowerCase()}, delete ${key.on_delete.toLowerCase()}`,
        },
      ]}
      rows={references}
      keyOf={({ child, key }) => `${child} ${key.from.join()} ${key.table}`}
    />
  );
}
