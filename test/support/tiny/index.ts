// The program of engine tests: what it makes comes from its config.
import { Config, CustomResource } from "@pulumi/pulumi";

class Thing extends CustomResource {}

const config = new Config("tiny");
if (config.get("refuse")) throw new Error(`this config is refused: ${config.get("refuse")}`);
for (const thing of config.requireObject<{ key: string; name?: string; value?: string; waitFor?: string }[]>(
  "things",
)) {
  const { key, ...inputs } = thing;
  new Thing("tiny:index:Thing", key, inputs, { protect: key.startsWith("protected") });
}
export const made = config.requireObject<unknown[]>("things").length;
