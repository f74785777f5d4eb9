// Runs one invocation of a function in a process of its own, as Lambda's runtime does.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { redirectConnections } from "./redirect.ts";

const [code = "", handlerName = "", eventFile = "", resultFile = ""] = process.argv.slice(2);
const deadline = Number(process.env.CHIRP_DEADLINE);
redirectConnections(JSON.parse(process.env.CHIRP_ADDRESSES ?? "{}") as Record<string, number>);

/** What the invocation came to, as Lambda reports it. */
export type Result =
  | { readonly payload: string }
  | { readonly errorType: string; readonly errorMessage: string; readonly trace: string[] };

async function invoke(): Promise<Result> {
  const [module = "index", exported = "handler"] = handlerName.split(".");
  const path = join(code, `${module}.mjs`);
  if (!isAbsolute(path)) throw new Error(`${path} is not an absolute path`);
  const loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  const handler = loaded[exported];
  if (typeof handler !== "function") throw new Error(`${handlerName} is undefined or not exported`);
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: "$LATEST",
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: process.env.CHIRP_REQUEST_ID,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  const event: unknown = JSON.parse(readFileSync(eventFile, "utf8"));
  return {
    payload: JSON.stringify((await (handler as (event: unknown, context: unknown) => unknown)(event, context)) ?? null),
  };
}

function report(result: Result): void {
  writeFileSync(`${resultFile}.new`, JSON.stringify(result));
  renameSync(`${resultFile}.new`, resultFile);
  process.exit(0);
}

invoke().then(report, (error: Error) => {
  console.error(error);
  const trace = (error.stack ?? "").split("\n").map((line) => line.trim());
  report({ errorType: error.name ?? "Error", errorMessage: error.message ?? String(error), trace });
});
