import { SignatureV4 } from "@smithy/signature-v4";
import { AwsError } from "../../aws/errors.ts";
import { accessKey } from "../instance/instances.ts";
import { Sha256 } from "../s3/sha256.ts";

const versions = { DynamoDB: "DynamoDB_20120810", DynamoDBStreams: "DynamoDBStreams_20120810" } as const;

/**
 * Requests to the emulator in the API's own JSON. Lambda hands a stream's records over in that very form (binary values
 * in Base64 among it), so nothing that the emulator says is translated on its way to a function.
 */
export class DynamoApi {
  readonly #endpoint: URL;
  readonly #signer: SignatureV4;

  constructor(endpoint: string, region: string) {
    this.#endpoint = new URL(endpoint);
    this.#signer = new SignatureV4({ service: "dynamodb", region, credentials: accessKey, sha256: Sha256 });
  }

  /** @throws AwsError with the API's own code; another error when nobody answers */
  async call<Answer>(service: keyof typeof versions, operation: string, request: object): Promise<Answer> {
    const { hostname, host, port, href } = this.#endpoint;
    const body = JSON.stringify(request);
    const headers = {
      host,
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": `${versions[service]}.${operation}`,
    };
    const target = { method: "POST", protocol: "http:", hostname, port: Number(port), path: "/", query: {} };
    const signed = await this.#signer.sign({ ...target, headers, body });
    const response = await fetch(href, {
      method: "POST",
      headers: signed.headers,
      body,
      signal: AbortSignal.timeout(30_000),
    });
    const answer = (await response.json()) as { __type?: string; message?: string; Message?: string };
    if (!response.ok)
      throw new AwsError(answer.__type?.split("#").at(-1) ?? "", answer.message ?? answer.Message ?? "");
    return answer as Answer;
  }
}
