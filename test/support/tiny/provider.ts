// A provider for engine tests: things whose creation waits as long as a file exists.
import { existsSync } from "node:fs";
import { main, type Provider } from "@pulumi/pulumi/provider/index.js";

const provider: Provider = {
  version: "1.0.0",
  check: async (_urn, _olds, inputs) => ({ inputs }),
  diff: async (_id, _urn, olds, news) => ({
    changes: olds.value !== news.value || olds.name !== news.name,
    replaces: olds.name === news.name ? [] : ["name"],
    deleteBeforeReplace: false,
  }),
  async create(urn, inputs) {
    while (inputs.waitFor && existsSync(inputs.waitFor)) await new Promise((resolve) => setTimeout(resolve, 20));
    return { id: urn.split("::").at(-1) as string, outs: inputs };
  },
  update: async (_id, _urn, _olds, news) => ({ outs: news }),
  delete: async () => {},
};

await main(provider, process.argv.slice(2));
