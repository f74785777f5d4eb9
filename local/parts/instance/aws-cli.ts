// The `aws` command of a local server: the few calls that a bootstrap makes, answered by this machine's AWS.
import { writeFileSync } from "node:fs";
import { SignatureV4 } from "@smithy/signature-v4";
import { Sha256 } from "../s3/sha256.ts";

const endpoint = process.env.AWS_ENDPOINT_URL ?? "";
const { service, operation, options, rest } = parse(process.argv.slice(2));

/** `aws <service> <operation> --name value… [positional…]` */
function parse(words: string[]) {
  const [service = "", operation = "", ...others] = words;
  const options = new Map<string, string>();
  const rest: string[] = [];
  const flags = ["--with-decryption", "--no-cli-pager", "--only-show-errors", "--quiet"];
  for (let index = 0; index < others.length; index++) {
    const word = others[index] ?? "";
    if (!word.startsWith("--")) rest.push(word);
    else if (flags.includes(word)) options.set(word, "");
    else options.set(word, others[++index] ?? "");
  }
  return { service, operation, options, rest };
}

async function call(target: string, body: object): Promise<unknown> {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "X-Amz-Target": target, "Content-Type": "application/x-amz-json-1.1" },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as { __type?: string; message?: string };
  if (!response.ok) throw new Error(`An error occurred (${answer.__type}): ${answer.message}`);
  return answer;
}

async function download(bucket: string, key: string, file: string): Promise<unknown> {
  const { host, hostname } = new URL(endpoint);
  const path = `/${bucket}/${key.split("/").map(encodeURIComponent).join("/")}`;
  const request = { method: "GET", protocol: "http:", hostname, path, headers: { host } };
  const { headers } = await signer().sign({ ...request, query: {} });
  const response = await fetch(`${endpoint}${path}`, { headers });
  if (!response.ok) throw new Error(`An error occurred (${response.status}): ${bucket}/${key}`);
  writeFileSync(file, Buffer.from(await response.arrayBuffer()));
  return { ETag: response.headers.get("etag"), ContentLength: Number(response.headers.get("content-length")) };
}

function signer(): SignatureV4 {
  const { AWS_ACCESS_KEY_ID = "", AWS_SECRET_ACCESS_KEY = "", AWS_REGION = "us-east-1" } = process.env;
  const credentials = { accessKeyId: AWS_ACCESS_KEY_ID, secretAccessKey: AWS_SECRET_ACCESS_KEY };
  return new SignatureV4({ service: "s3", region: AWS_REGION, credentials, sha256: Sha256, uriEscapePath: false });
}

async function run(): Promise<unknown> {
  switch (`${service} ${operation}`) {
    case "ssm get-parameter":
      return call("AmazonSSM.GetParameter", { Name: options.get("--name"), WithDecryption: true });
    case "secretsmanager get-secret-value":
      return call("secretsmanager.GetSecretValue", { SecretId: options.get("--secret-id") });
    case "s3api get-object":
      return download(options.get("--bucket") ?? "", options.get("--key") ?? "", rest[0] ?? "");
    case "s3 cp": {
      const [, bucket = "", key = ""] = /^s3:\/\/([^/]+)\/(.+)$/.exec(rest[0] ?? "") ?? [];
      await download(bucket, key, rest[1] ?? "");
      return undefined;
    }
    default:
      throw new Error(`the local server's aws command does not know "${service} ${operation}"`);
  }
}

/** Prints what `--query` picks, bare with `--output text`. */
function print(answer: unknown): void {
  if (answer === undefined) return;
  let value: unknown = answer;
  for (const part of options.get("--query")?.split(".") ?? []) value = (value as Record<string, unknown>)[part];
  console.log(options.get("--output") === "text" && typeof value === "string" ? value : JSON.stringify(value, null, 4));
}

run().then(print, (error: Error) => {
  console.error(`aws: ${error.message}`);
  process.exitCode = 254;
});
