import type { IncomingMessage } from "node:http";
import { AwsError } from "../../aws/errors.ts";
import type { Objects, StoredObject } from "../storage/objects.ts";
import { type Answer, invalidArgument, xml } from "./answers.ts";
import { largestBody, requireLength } from "./body.ts";
import { type Form, openForm } from "./form.ts";
import { keptOf, versionOf } from "./metadata.ts";
import { checkPolicy, checkSize, type FormFields, parsePolicy, type Policy } from "./policy.ts";
import { checkFormSignature } from "./signature.ts";

/** Where a form's file goes, and who may sign for it. */
export interface PostOptions {
  readonly objects: Objects;
  readonly bucket: string;
  readonly isVersioned: boolean;
  readonly secretOf: (accessKeyId: string) => string | undefined;
}

/**
 * Stores the file of a browser's form, if the policy in it is signed, still holds and allows it.
 *
 * @throws AwsError with S3's code, and nothing is stored
 */
export async function postObject(request: IncomingMessage, options: PostOptions): Promise<Answer> {
  requireLength(request);
  const form = await openForm(request);
  try {
    const { objects, bucket, isVersioned } = options;
    const { fields, key } = addressed(form, bucket);
    const policy = await signedPolicy(fields, options);
    checkPolicy(policy, fields);
    const metadata = keptOf(Object.fromEntries(fields));
    const incoming = await objects.receive(form.file, Math.min(policy.sizes.most, largestBody));
    try {
      checkSize(policy, incoming.size);
      await form.finished;
      return accepted(request, bucket, objects.keep(bucket, key, incoming, metadata, isVersioned), fields);
    } finally {
      incoming.discard();
    }
  } catch (error) {
    form.abandon();
    throw error;
  }
}

/** The fields as the policy sees them: with the bucket that is posted to, and the file's name in the key. */
function addressed({ fields, fileName }: Form, bucket: string): { fields: FormFields; key: string } {
  const template = fields.get("key");
  if (template === undefined) throw missing("key");
  const key = template.replaceAll("${filename}", () => fileName);
  if (key === "") throw invalidArgument("key", "", "User key must have a length greater than 0.");
  if (Buffer.byteLength(key) > 1024) throw new AwsError("KeyTooLongError", "Your key is too long");
  if ((fields.get("bucket") ?? bucket) !== bucket)
    throw new AwsError("AccessDenied", `Invalid according to Policy: the form is for another bucket than ${bucket}.`);
  return { fields: new Map([...fields, ["bucket", bucket], ["key", key]]), key };
}

async function signedPolicy(fields: FormFields, { secretOf }: PostOptions): Promise<Policy> {
  const policy = fields.get("policy");
  // Everything is private: whoever has nothing signed is nobody.
  if (policy === undefined) throw new AwsError("AccessDenied", "Access Denied");
  const required = (name: string) => fields.get(name.toLowerCase()) ?? fail(missing(name));
  if (required("X-Amz-Algorithm") !== "AWS4-HMAC-SHA256")
    throw invalidArgument("x-amz-algorithm", required("X-Amz-Algorithm"), "Only AWS4-HMAC-SHA256 is supported.");
  const [credential, date, signature] = ["X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature"].map(required) as [
    string,
    string,
    string,
  ];
  await checkFormSignature({ policy, credential, date, signature }, secretOf);
  return parsePolicy(policy);
}

function fail(error: Error): never {
  throw error;
}

function missing(name: string): AwsError {
  const message = `Bucket POST must contain a field named '${name}'.  If it is specified, please check the order of the fields.`;
  return invalidArgument(name, "", message);
}

/** What the form wants to hear of its upload. */
function accepted(request: IncomingMessage, bucket: string, stored: StoredObject, fields: FormFields): Answer {
  const { key, etag } = stored;
  const Location = `http://${request.headers.host}/${bucket}/${encodeURIComponent(key)}`;
  const ETag = `"${etag}"`;
  const headers = { ETag, ...versionOf(stored) };
  const next = fields.get("success_action_redirect") ?? fields.get("redirect") ?? "";
  if (URL.canParse(next)) {
    const url = new URL(next);
    for (const [name, value] of Object.entries({ bucket, key, etag: ETag })) url.searchParams.append(name, value);
    return { status: 303, headers: { ...headers, Location: url.href } };
  }
  switch (fields.get("success_action_status")) {
    case "200":
      return { status: 200, headers: { ...headers, Location } };
    case "201": {
      const body = xml("PostResponse", { Location, Bucket: bucket, Key: key, ETag });
      return { status: 201, headers: { ...headers, Location, "Content-Type": "application/xml" }, body };
    }
    default:
      return { status: 204, headers: { ...headers, Location } };
  }
}
