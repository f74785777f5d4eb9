import { get } from "node:http";
import type { ResourceRecord } from "../../aws/record.ts";
import type { LocalAws } from "../../local-aws.ts";
import { isListening, loopback } from "../../process/ports.ts";
import { mayReach } from "./reach.ts";
import type { Target } from "./targets.ts";

export interface Check {
  readonly group: ResourceRecord;
  readonly target: Target;
  /** Load balancer that the check comes from. */
  readonly balancer: ResourceRecord | undefined;
}

/** Checks a target as its group says. Returns AWS's reason code for a failure, undefined for a success. */
export async function checkHealth(aws: LocalAws, { group, target, balancer }: Check): Promise<string | undefined> {
  const settings = (group.inputs.healthCheck ?? {}) as Record<string, string | number | undefined>;
  const { protocol = group.inputs.protocol, path = "/", timeout = 5, matcher = "200" } = settings;
  if (!balancer || !mayReach(aws, balancer, target)) return "Target.Timeout";
  const port = aws.instances.localPort(target.id, target.port);
  if (port === undefined) return "Target.FailedHealthChecks";
  if (protocol === "TCP") return (await isListening(port)) ? undefined : "Target.FailedHealthChecks";
  return new Promise((resolve) => {
    const request = get(
      { host: loopback, port, path: String(path), agent: false, timeout: Number(timeout) * 1000 },
      (response) => {
        response.resume();
        resolve(matches(response.statusCode ?? 0, String(matcher)) ? undefined : "Target.ResponseCodeMismatch");
      },
    );
    request.on("timeout", () => {
      resolve("Target.Timeout");
      request.destroy();
    });
    request.on("error", () => resolve("Target.FailedHealthChecks"));
  });
}

/** A matcher is a list of codes and ranges: `200,301-303`. */
function matches(status: number, matcher: string): boolean {
  return matcher.split(",").some((part) => {
    const [from = 0, to = from] = part.split("-").map(Number);
    return from <= status && status <= to;
  });
}
