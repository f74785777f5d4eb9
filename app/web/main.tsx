import { render } from "preact";
render(<p>Chirp</p>, document.getElementById("app") as HTMLElement);
