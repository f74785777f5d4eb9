import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** A Secrets Manager for tests: the two calls that the service makes, over the real protocol. */
export interface SecretsManager {
  /** Value for AWS_ENDPOINT_URL_SECRETS_MANAGER. */
  readonly endpoint: string;
  /** Values by id; a secret that exists but was never given a value holds "". */
  readonly values: Map<string, string>;
  /** Ids in the order they were read. */
  readonly reads: string[];
  /** Ids in the order they were written. */
  readonly writes: string[];
  stop(): Promise<void>;
}

/** Starts one with these secrets. */
export async function startSecretsManager(secrets: Record<string, string>): Promise<SecretsManager> {
  const values = new Map(Object.entries(secrets));
  const reads: string[] = [];
  const writes: string[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const action = String(request.headers["x-amz-target"]).split(".").at(-1);
      const { SecretId, SecretString } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>;
      const answer = (status: number, body: object) => {
        response.writeHead(status, { "Content-Type": "application/x-amz-json-1.1" }).end(JSON.stringify(body));
      };
      const value = values.get(SecretId ?? "");
      const isMissing = value === undefined || (action === "GetSecretValue" && value === "");
      if (isMissing)
        return answer(400, { __type: "ResourceNotFoundException", Message: "Secrets Manager can't find it." });
      if (action === "GetSecretValue") {
        reads.push(SecretId ?? "");
        return answer(200, { ARN: SecretId, Name: SecretId, SecretString: value, VersionStages: ["AWSCURRENT"] });
      }
      if (action === "PutSecretValue") {
        writes.push(SecretId ?? "");
        values.set(SecretId ?? "", SecretString ?? "");
        return answer(200, { ARN: SecretId, Name: SecretId });
      }
      answer(400, { __type: "InvalidAction", Message: `not served here: ${action}` });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    values,
    reads,
    writes,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
