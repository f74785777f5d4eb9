// Runs a function in a process of its own, event after event, as Lambda's runtime does.
import { Agent, request } from "node:http";
import { isAbsolute, join } from "node:path";
import { pathToFileURL } from "node:url";
import { redirectConnections } from "./redirect.ts";
import type { Result, Work } from "./runtime-api.ts";

type Handler = (event: unknown, context: unknown) => unknown;

const [code = "", handlerName = ""] = process.argv.slice(2);
const api = process.env.CHIRP_RUNTIME_API ?? "";
// What is ours is none of the function's business.
delete process.env.CHIRP_RUNTIME_API;
const agent = new Agent({ keepAlive: true });
const places: Record<string, number> = {};
redirectConnections(places);

let handler: Promise<Handler> | undefined;

async function load(): Promise<Handler> {
  const [module = "index", exported = "handler"] = handlerName.split(".");
  const path = join(code, `${module}.mjs`);
  if (!isAbsolute(path)) throw new Error(`${path} is not an absolute path`);
  const loaded = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  if (typeof loaded[exported] !== "function") throw new Error(`${handlerName} is undefined or not exported`);
  return loaded[exported] as Handler;
}

async function perform(event: string, { requestId, deadline, addresses }: Omit<Work, "event">): Promise<Result> {
  for (const address of Object.keys(places)) delete places[address];
  Object.assign(places, addresses);
  const context = {
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: "$LATEST",
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    awsRequestId: requestId,
    getRemainingTimeInMillis: () => deadline - Date.now(),
  };
  try {
    handler ??= load();
    return { payload: JSON.stringify((await (await handler)(JSON.parse(event), context)) ?? null) };
  } catch (error) {
    const { name = "Error", message = String(error), stack = "" } = error as Error;
    console.error(error);
    return { errorType: name, errorMessage: message, trace: stack.split("\n").map((line) => line.trim()) };
  }
}

function call(method: string, path: string, body = ""): Promise<{ status?: number; work?: string; body: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(`${api}/${path}`, { method, agent }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () => {
        const work = response.headers["chirp-work"] as string;
        resolve({ status: response.statusCode ?? 0, work, body: Buffer.concat(chunks).toString() });
      });
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

for (;;) {
  const { status, work = "", body } = await call("GET", "next");
  if (status !== 200) continue;
  const result = await perform(body, JSON.parse(work) as Omit<Work, "event">);
  if ("payload" in result) await call("POST", "result", result.payload);
  else await call("POST", "error", JSON.stringify(result));
}
