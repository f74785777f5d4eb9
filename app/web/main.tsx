import { render } from "preact";
import { App } from "./app.tsx";
import { applyTheme, readTheme } from "./theme.ts";

applyTheme(readTheme());
render(<App />, document.getElementById("app") as HTMLElement);
