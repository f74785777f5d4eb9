import { randomInt, randomUUID } from "node:crypto";
import { AwsError } from "../aws/errors.ts";
import { arn } from "../aws/resource-type.ts";
import type { LocalAws } from "../local-aws.ts";
import { parameterVersions } from "../parts/storage/parts.ts";

type Body = Readonly<Record<string, unknown>>;
type Operation = (body: Body, aws: LocalAws) => object;

/** Operations of APIs that speak JSON, by their `X-Amz-Target`. */
export const jsonOperations: Readonly<Record<string, Operation>> = {
  "AmazonSSM.GetParameter": getParameter,
  "secretsmanager.GetSecretValue": (body, { secrets }) => {
    const { SecretId, VersionId, VersionStage } = body as Record<string, string | undefined>;
    const { arn, name } = secrets.find(String(SecretId));
    const found = secrets.get(String(SecretId), { version: VersionId, stage: VersionStage });
    const { id, value, stages, created } = found;
    return { ARN: arn, Name: name, VersionId: id, SecretString: value, VersionStages: stages, CreatedDate: created };
  },
  "secretsmanager.PutSecretValue": (body, { secrets }) => {
    const { SecretId, SecretString, ClientRequestToken = randomUUID() } = body as Record<string, string | undefined>;
    if (SecretString === undefined) throw new AwsError("InvalidRequestException", "You must provide SecretString.");
    const { arn, name } = secrets.find(String(SecretId));
    const { id, stages } = secrets.put(arn, SecretString, ClientRequestToken);
    return { ARN: arn, Name: name, VersionId: id, VersionStages: stages };
  },
  "secretsmanager.DescribeSecret": (body, { secrets }) => {
    const { arn, name, created, versions } = secrets.find(String(body.SecretId));
    const stages = versions.map((version) => [version.id, version.stages] as const);
    return { ARN: arn, Name: name, CreatedDate: created, VersionIdsToStages: Object.fromEntries(stages) };
  },
  "secretsmanager.GetRandomPassword": (body) => ({ RandomPassword: randomPassword(body) }),
};

/** A parameter by name or ARN, at its newest version or at the one after a colon. */
function getParameter(body: Body, aws: LocalAws): object {
  const given = String(body.Name);
  const plain = given.startsWith("arn:") ? `/${given.replace(/^.*?:parameter\/?/, "")}` : given;
  const [name = "", selector] = plain.split(":");
  const record = aws.registry.ofType("aws:ssm/parameter:Parameter").find(({ inputs }) => inputs.name === name);
  if (!record) throw new AwsError("ParameterNotFound", `The parameter ${name} does not exist.`);
  const versions = parameterVersions(record);
  const found = selector ? versions.find(({ version }) => String(version) === selector) : versions.at(-1);
  if (!found)
    throw new AwsError("ParameterVersionNotFound", `Systems Manager could not find version ${selector} of ${name}.`);
  return {
    Parameter: {
      Name: name,
      Type: record.inputs.type,
      Value: found.value,
      Version: found.version,
      Selector: selector && `:${selector}`,
      LastModifiedDate: found.modified,
      ARN: arn(aws, "ssm", `parameter${name}`),
      DataType: "text",
    },
  };
}

/** Secrets Manager's GetRandomPassword. */
export function randomPassword(body: Body): string {
  const sets = [
    ["ExcludeUppercase", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"],
    ["ExcludeLowercase", "abcdefghijklmnopqrstuvwxyz"],
    ["ExcludeNumbers", "0123456789"],
    ["ExcludePunctuation", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~"],
  ] as const;
  const excluded = String(body.ExcludeCharacters ?? "");
  const alphabets = sets
    .filter(([option]) => body[option] !== true)
    .map(([, characters]) => [...characters].filter((character) => !excluded.includes(character)))
    .filter(({ length }) => length > 0);
  const all = alphabets.flat();
  const pick = (characters: string[]) => characters[randomInt(characters.length)] ?? "";
  const length = Number(body.PasswordLength ?? 32);
  // One of each kind, as the API promises unless told otherwise, then shuffled in.
  const password = body.RequireEachIncludedType === false ? [] : alphabets.map(pick);
  while (password.length < length) password.splice(randomInt(password.length + 1), 0, pick(all));
  return password.join("");
}
