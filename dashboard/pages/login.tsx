import type { VNode } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { ApiError } from "../api.ts";
import { Button } from "../parts/button.tsx";
import { Field, type FieldIds } from "../parts/field.tsx";
import { Mark } from "../parts/icon.tsx";
import { session, signIn } from "../state/session.ts";
import { explain } from "../words.ts";

/** Why the last attempt failed, and when the next one is looked at. */
interface Refusal {
  readonly text: string;
  readonly untilMs: number;
}

/** Asks for the password. */
export function Login(): VNode {
  const { node_id: node, password_login: byPassword } = session.value!;
  useEffect(() => {
    document.title = "Log in · Hiqlite";
  }, []);
  return (
    <main class="login">
      <div class="card">
        <div class="brand">
          <Mark />
          <div>
            <strong>Hiqlite</strong>
            <small>member n{node} at {location.host}</small>
          </div>
        </div>
        <h1>Log in</h1>
        {byPassword ? <PasswordForm /> : (
          <p class="muted">
            This cluster has no password for the dashboard: a link signs in.
          </p>
        )}
        <p class="muted forgot">
          {byPassword ? "Forgot the password? " : ""}Run{" "}
          <code>hiqlite open</code> on a member.
        </p>
      </div>
    </main>
  );
}

function PasswordForm(): VNode {
  const [password, setPassword] = useState("");
  const [busy, setBusy] = useState(false);
  const [refusal, setRefusal] = useState<Refusal | null>(null);
  const left = useCountdown(refusal?.untilMs ?? 0);
  const submit = async (): Promise<void> => {
    if (busy || left > 0 || password === "") return;
    setBusy(true);
    try {
      await signIn(password);
    } catch (error) {
      setRefusal(refusalOf(error));
      setBusy(false);
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void submit();
      }}
    >
      {/* Password managers want a name beside the password. */}
      <input
        class="visually-hidden"
        type="text"
        name="username"
        autocomplete="username"
        value="dashboard"
        aria-hidden="true"
        tabIndex={-1}
        readOnly
      />
      <Field
        label="Password"
        error={refusal === null
          ? null
          : left > 0
          ? `${refusal.text} Next try in ${left} s.`
          : refusal.text}
      >
        {(ids) => (
          <PasswordInput ids={ids} value={password} onChange={setPassword} />
        )}
      </Field>
      <Button submit look="primary" disabled={busy || left > 0}>
        {busy ? "Checking" : "Log in"}
      </Button>
    </form>
  );
}

function PasswordInput(
  { ids, value, onChange }: {
    readonly ids: FieldIds;
    readonly value: string;
    readonly onChange: (value: string) => void;
  },
): VNode {
  const [shown, setShown] = useState(false);
  return (
    <div class="with-inner">
      <input
        {...ids}
        class="input"
        type={(shown ? "text" : "password") as "text"}
        name="password"
        autocomplete="current-password"
        autofocus
        required
        maxLength={1024}
        value={value}
        onInput={(event) => onChange(event.currentTarget.value)}
      />
      <Button
        look="plain"
        compact
        icon={shown ? "eye-off" : "eye"}
        label={shown ? "Hide the password" : "Show the password"}
        onClick={() => setShown(!shown)}
      />
    </div>
  );
}

function refusalOf(error: unknown): Refusal {
  const { code, body } = error as ApiError;
  const wait = (body as { retry_after_ms?: unknown })?.retry_after_ms;
  const { title, advice } = explain(code);
  return {
    text: code === "unauthorized" ? "Wrong password." : `${title}. ${advice}`,
    untilMs: performance.now() + (typeof wait === "number" ? wait : 0),
  };
}

/** Whole seconds until then, counted down. */
function useCountdown(untilMs: number): number {
  const [now, setNow] = useState(performance.now());
  useEffect(() => {
    setNow(performance.now());
    if (untilMs <= performance.now()) return;
    const timer = setInterval(() => {
      setNow(performance.now());
      if (performance.now() >= untilMs) clearInterval(timer);
    }, 250);
    return () => clearInterval(timer);
  }, [untilMs]);
  return Math.max(0, Math.ceil((untilMs - now) / 1000));
}
