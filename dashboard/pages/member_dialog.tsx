import type { ComponentChildren, VNode } from "preact";
import { useState } from "preact/hooks";
import { call } from "../api.ts";
import { type MemberView, toleranceOf } from "../health.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Field } from "../parts/field.tsx";
import { askNow } from "../state/cluster.ts";
import { say } from "../state/toasts.ts";

/** What can be done with a member. */
export type MemberAction = "add" | "transfer" | "promote" | "demote" | "remove";

/** What a dialog needs to know. */
interface DialogProps {
  readonly member: MemberView;
  readonly members: readonly MemberView[];
  readonly onClose: () => void;
}

/** Asks before a member is changed, and says what follows. */
export function MemberDialog(
  { action, member, members, onClose }: {
    readonly action: MemberAction;
    readonly member: MemberView | null;
    readonly members: readonly MemberView[];
    readonly onClose: () => void;
  },
): VNode | null {
  if (action === "add") return <Add members={members} onClose={onClose} />;
  if (member === null) return null;
  return (
    <Change
      action={action}
      member={member}
      members={members}
      onClose={onClose}
    />
  );
}

function Change(
  { action, member, members, onClose }: DialogProps & {
    readonly action: Exclude<MemberAction, "add">;
  },
): VNode {
  const name = `n${member.nodeId}`;
  const { title, verb, done, danger } = WORDS[action];
  return (
    <Confirm
      title={`${title} ${name}`}
      verb={verb}
      danger={danger}
      {...(action === "remove"
        ? { typed: { what: "the node id", text: String(member.nodeId) } }
        : {})}
      act={async () => {
        await call(action, { body: { node_id: member.nodeId } });
        say(`${name} ${done}.`);
        askNow();
      }}
      onClose={onClose}
    >
      <div class="consequence">{consequence(action, member, members)}</div>
    </Confirm>
  );
}

const WORDS: Readonly<
  Record<
    Exclude<MemberAction, "add">,
    {
      readonly title: string;
      readonly verb: string;
      readonly done: string;
      readonly danger: boolean;
    }
  >
> = {
  transfer: {
    title: "Make leader:",
    verb: "Move leadership",
    done: "leads now",
    danger: false,
  },
  promote: {
    title: "Promote",
    verb: "Make it a voter",
    done: "is a voter",
    danger: false,
  },
  demote: {
    title: "Demote",
    verb: "Make it a learner",
    done: "is a learner",
    danger: false,
  },
  remove: {
    title: "Remove",
    verb: "Remove",
    done: "was removed",
    danger: true,
  },
};

function consequence(
  action: Exclude<MemberAction, "add">,
  member: MemberView,
  members: readonly MemberView[],
): ComponentChildren {
  const voters = members.filter(({ role }) => role !== "learner");
  const others = voters.filter(({ nodeId }) => nodeId !== member.nodeId);
  const names = others.map(({ nodeId }) => `n${nodeId}`).join(", ");
  const leads = member.role === "leader"
    ? <p>It leads now: another member takes over first.</p>
    : null;
  switch (action) {
    case "transfer":
      return (
        <p>
          Writes wait for a moment, usually less than a second; none is lost.
        </p>
      );
    case "promote":
      return (
        <p>
          Voters are then {names}
          {names === "" ? "" : ", "}n{member.nodeId}:{" "}
          {toleranceOf(voters.length + 1)}.
        </p>
      );
    case "demote":
      return (
        <>
          {leads}
          <p>
            It keeps its data and follows, but does not count. {names}{" "}
            stay voters: {toleranceOf(others.length)}.
          </p>
        </>
      );
    case "remove":
      return (
        <>
          {leads}
          <p>
            {member.role === "learner"
              ? "It gets no more entries. Voters stay as they are."
              : `${names} stay: ${toleranceOf(others.length)}.`}
          </p>
          <p>
            Its process and data directory stay where they are; stop it and
            remove them when you do not need them.
          </p>
        </>
      );
  }
}

function Add(
  { members, onClose }: {
    readonly members: readonly MemberView[];
    readonly onClose: () => void;
  },
): VNode {
  const next = Math.max(0, ...members.map(({ nodeId }) => nodeId)) + 1;
  const [node, setNode] = useState(String(next));
  const [raft, setRaft] = useState("");
  const [api, setApi] = useState("");
  return (
    <Confirm
      title="Add a learner"
      verb="Add"
      act={async () => {
        await call("addLearner", {
          body: { node_id: Number(node), raft_address: raft, api_address: api },
        });
        say(`n${node} was added as a learner.`);
        askNow();
      }}
      onClose={onClose}
    >
      <div class="consequence">
        <p>
          It gets all data and follows; it does not count for majorities until
          it is promoted. Start it first, with the same secrets.
        </p>
      </div>
      <TextField
        label="Node id"
        value={node}
        onChange={setNode}
        pattern="[1-9][0-9]*"
      />
      <TextField
        label="Raft address"
        value={raft}
        onChange={setRaft}
        placeholder="10.0.0.4:8100"
      />
      <TextField
        label="API address"
        value={api}
        onChange={setApi}
        placeholder="10.0.0.4:8200"
      />
    </Confirm>
  );
}

function TextField(
  { label, value, onChange, placeholder, pattern }: {
    readonly label: string;
    readonly value: string;
    readonly onChange: (value: string) => void;
    readonly placeholder?: string;
    readonly pattern?: string;
  },
): VNode {
  return (
    <Field label={label}>
      {(ids) => (
        <input
          {...ids}
          class="input mono"
          required
          autocomplete="off"
          spellcheck={false}
          placeholder={placeholder}
          pattern={pattern}
          value={value}
          onInput={(event) => onChange(event.currentTarget.value)}
        />
      )}
    </Field>
  );
}
