import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { AwsError } from "../aws/errors.ts";
import type { LocalAws } from "../local-aws.ts";
import { loopback } from "../process/ports.ts";
import { control } from "./control.ts";
import { jsonOperations } from "./json-services.ts";
import { queryOperations } from "./query-services.ts";
import { listRecords } from "./rest-services.ts";
import { toXml } from "./xml.ts";

/** AWS's APIs for servers, functions and SDKs on this machine: one address for all of them. */
export class Endpoint {
  readonly #aws: LocalAws;
  readonly #server: Server;

  constructor(aws: LocalAws) {
    this.#aws = aws;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.keepAliveTimeout = 60_000;
  }

  async open(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, loopback, resolve));
  }

  get url(): string {
    const address = this.#server.address();
    return `http://${loopback}:${typeof address === "object" && address ? address.port : 0}`;
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", this.url);
    const service = serviceOf(request, url);
    // Bodies are bytes there, and errors have statuses of their own.
    if (service === "s3") return this.#aws.s3.serve(request, response);
    try {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      await this.#answer(service, request, url, Buffer.concat(chunks).toString(), response);
    } catch (error) {
      if (!(error instanceof AwsError))
        this.#aws.log(`endpoint: ${request.method} ${url.pathname}: ${(error as Error).stack}`);
      if (response.headersSent) response.destroy();
      else refuse(response, service, error as Error);
    }
  }

  async #answer(
    service: Exclude<Service, "s3">,
    request: IncomingMessage,
    url: URL,
    body: string,
    response: ServerResponse,
  ): Promise<void> {
    switch (service) {
      case "control":
        return send(response, "application/json", JSON.stringify(await control(this.#aws, request.method ?? "", url)));
      case "json": {
        const target = String(request.headers["x-amz-target"]);
        const operation = jsonOperations[target];
        if (!operation) throw unknownOperation(target);
        return send(
          response,
          "application/x-amz-json-1.1",
          JSON.stringify(operation(JSON.parse(body || "{}"), this.#aws)),
        );
      }
      case "query": {
        const parameters = new URLSearchParams(body);
        const action = parameters.get("Action") ?? "";
        const operation = queryOperations[action];
        if (!operation) throw unknownOperation(action);
        const content = {
          [`${action}Result`]: operation.run(parameters, this.#aws),
          ResponseMetadata: { RequestId: "local" },
        };
        return send(response, "text/xml", toXml(`${action}Response`, operation.namespace, content));
      }
      case "route53":
        return send(response, "text/xml", listRecords(this.#aws, url));
    }
  }

  stop(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }
}

type Service = "control" | "json" | "query" | "route53" | "s3";

/** Which API a request is for: each has its own way of saying so. */
function serviceOf({ headers }: IncomingMessage, { pathname }: URL): Service {
  if (pathname.startsWith("/_chirp/")) return "control";
  if (headers["x-amz-target"] !== undefined) return "json";
  if (headers["content-type"]?.startsWith("application/x-www-form-urlencoded")) return "query";
  return pathname.startsWith("/2013-04-01/") ? "route53" : "s3";
}

function unknownOperation(name: string): AwsError {
  return new AwsError("UnknownOperationException", `the local AWS does not serve ${name}; add it in local/endpoint/`);
}

function send(response: ServerResponse, type: string, body: string): void {
  response.writeHead(200, { "Content-Type": type, "x-amzn-RequestId": "local" }).end(body);
}

/** An error in the words of the API, so that an SDK raises its own exception for it. */
function refuse(response: ServerResponse, service: Exclude<Service, "s3">, error: Error): void {
  const code = error instanceof AwsError ? error.code : "InternalFailure";
  const status = error instanceof AwsError ? 400 : 500;
  const { message } = error;
  if (service === "json" || service === "control") {
    response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1", "x-amzn-ErrorType": code });
    response.end(JSON.stringify({ __type: code, message }));
    return;
  }
  response.writeHead(status, { "Content-Type": "application/xml" });
  const fault = { Code: code, Message: message };
  response.end(toXml("ErrorResponse", "", { Error: { Type: "Sender", ...fault }, RequestId: "local" }));
}
