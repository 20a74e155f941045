import type { VNode } from "preact";
import { Login } from "../pages/login.tsx";
import { Button } from "../parts/button.tsx";
import { Problem } from "../parts/problem.tsx";
import { beginSession, session, sessionProblem } from "../state/session.ts";
import { Frame } from "./frame.tsx";

/** The whole page: who is not signed in sees the login. */
export function App(): VNode | null {
  const { value } = session;
  if (value !== null) return value.role === null ? <Login /> : <Frame />;
  if (sessionProblem.value === null) return null;
  return (
    <main class="page">
      <h1>Hiqlite</h1>
      <Problem
        error={sessionProblem.value}
        actions={
          <Button icon="refresh-cw" onClick={() => void beginSession()}>
            Try again
          </Button>
        }
      />
    </main>
  );
}
