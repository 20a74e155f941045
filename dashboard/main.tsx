import { render } from "preact";
import { App } from "./frame/app.tsx";
import { beginSession } from "./state/session.ts";

void beginSession();
render(<App />, document.getElementById("page")!);
