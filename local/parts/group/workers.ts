import type { LocalAws } from "../../local-aws.ts";
import { loopback } from "../../process/ports.ts";
import { leafOf } from "../../process/leaf.ts";
import { servicePort } from "../instance/instances.ts";
import { settingsOf, stateOf } from "./model.ts";

/**
 * Servers in service that no load balancer leads to: they work for themselves.
 *
 * `pid` is the process that does the work, below the service manager and the agent; `instance` is the machine, whose
 * own process is among the instances.
 */
export function describeWorkers(aws: LocalAws) {
  return aws.registry
    .ofType("aws:autoscaling/group:Group")
    .filter((group) => group.state.members !== undefined && settingsOf(group).targetGroups.length === 0)
    .flatMap((group) => stateOf(group).members.map((member) => ({ group: group.id, ...member })))
    .flatMap(({ group, id, lifecycle }) => {
      const machine = aws.instances.describe().find((instance) => instance.id === id)?.pid;
      const port = aws.instances.localPort(id, servicePort);
      if (lifecycle !== "InService" || machine === undefined || port === undefined) return [];
      return [{ group, instance: id, pid: leafOf(machine) ?? machine, url: `http://${loopback}:${port}` }];
    });
}
