import { AwsError } from "../aws/errors.ts";
import type { LocalAws } from "../local-aws.ts";
import { toXml, type Xml } from "./xml.ts";

/** Route 53: the records of a zone, in its order, from the one that is asked for on. */
export function listRecords(aws: LocalAws, url: URL): string {
  const zone = /\/hostedzone\/([^/]+)\/rrset/.exec(url.pathname)?.[1];
  if (!zone) throw new AwsError("NoSuchOperation", `the local AWS serves ListResourceRecordSets, not ${url.pathname}`);
  const from = withDot(url.searchParams.get("name") ?? "");
  const most = Number(url.searchParams.get("maxitems") ?? 100);
  const records = aws.registry
    .ofType("aws:route53/record:Record")
    .filter(({ inputs }) => inputs.zoneId === zone)
    .map(({ inputs }) => inputs)
    .sort((a, b) => order(a.name).localeCompare(order(b.name)))
    .filter(({ name }) => from === "." || order(name) >= order(from));
  const listed = records.slice(0, most).map((record): Xml => {
    const [alias] = (record.aliases ?? []) as { name: string; zoneId: string; evaluateTargetHealth: boolean }[];
    return {
      Name: withDot(String(record.name)),
      Type: String(record.type),
      ...(alias
        ? {
            AliasTarget: {
              HostedZoneId: alias.zoneId,
              DNSName: withDot(alias.name),
              EvaluateTargetHealth: alias.evaluateTargetHealth,
            },
          }
        : {
            TTL: Number(record.ttl),
            ResourceRecords: ((record.records ?? []) as string[]).map((value) => ({ Value: value })),
          }),
    };
  });
  return toXml("ListResourceRecordSetsResponse", "https://route53.amazonaws.com/doc/2013-04-01/", {
    ResourceRecordSets: listed,
    IsTruncated: records.length > most,
    MaxItems: most,
  });
}

function withDot(name: string): string {
  return name.endsWith(".") ? name : `${name}.`;
}

/** Route 53 sorts names by their labels from the right. */
function order(name: unknown): string {
  return withDot(String(name)).split(".").reverse().join(".");
}
