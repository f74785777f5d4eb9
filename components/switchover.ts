import * as aws from "@pulumi/aws";
import * as pulumi from "@pulumi/pulumi";
import type { FleetRequest } from "../app/functions/gate/request.ts";
import type { Door, Serving } from "./compute/machine.ts";
import type { Gate } from "./gate.ts";

/** A name that follows the door. */
export interface Domain {
  readonly name: string;
  readonly zoneId: string;
  /** Seconds for which resolvers may keep the answer. */
  readonly ttl: number;
}

/** Arguments of `Switchover`. */
export interface SwitchoverArgs {
  readonly gate: Gate;
  readonly serving: Serving;
  /** Where clients shall come in. */
  readonly door: Door;
  /** Target group behind the door, if that is a load balancer. */
  readonly targetGroupArn: pulumi.Output<string> | undefined;
  readonly domain: Domain | undefined;
  /** Seconds after the record's move until no client uses the old door: its time to live, then kept connections. */
  readonly settleSeconds: number;
  /** What must be there before the new door counts as ready. */
  readonly after: readonly pulumi.Resource[];
}

/**
 * Moves clients from whatever served them to what shall serve them, one gate at a time:
 *
 *   ready → record → moved → drained
 *
 * Whatever an update removes goes after all of this, since the engine deletes last; so the old way in stays open until
 * nobody uses it, and a gate that fails leaves it open. The same order works in every direction.
 */
export class Switchover extends pulumi.ComponentResource {
  constructor(name: string, args: SwitchoverArgs, opts?: pulumi.ComponentResourceOptions) {
    super("chirp:gate:Switchover", name, {}, opts);
    let last: pulumi.Resource = args.gate.wait(`${name}-gate-ready`, readyRequest(args), {
      parent: this,
      dependsOn: [...args.after],
    });
    if (args.domain !== undefined) {
      last = createRecord(name, args.domain, args.door, { parent: this, dependsOn: [last] });
      last = args.gate.wait(`${name}-gate-moved`, movedRequest(args.domain, args), { parent: this, dependsOn: [last] });
    }
    if (args.targetGroupArn !== undefined)
      args.gate.wait(`${name}-gate-drained`, drainedRequest(args.targetGroupArn, args.serving), {
        parent: this,
        dependsOn: [last],
      });
    this.registerOutputs({});
  }
}

function createRecord(name: string, domain: Domain, door: Door, opts: pulumi.CustomResourceOptions) {
  const { name: recordName, zoneId, ttl } = domain;
  const target =
    door.aliasZoneId === undefined
      ? { records: [door.address], ttl }
      : { aliases: [{ name: door.address, zoneId: door.aliasZoneId, evaluateTargetHealth: false }] };
  return new aws.route53.Record(`${name}-record`, { zoneId, name: recordName, type: "A", ...target }, opts);
}

function readyRequest({ door, domain, serving, targetGroupArn }: SwitchoverArgs) {
  const fleet: pulumi.Input<FleetRequest> =
    serving.kind === "server"
      ? serving.instanceId.apply((instanceId) => ({ kind: "server" as const, instanceId }))
      : pulumi.all([serving.name, serving.templateVersion]).apply(([name, templateVersion]) => ({
          kind: "group" as const,
          name,
          templateVersion,
          least: serving.least,
        }));
  return pulumi.all([door.address, fleet, targetGroupArn]).apply(([address, fleet, targetGroupArn]) => ({
    step: "ready" as const,
    address,
    host: domain?.name,
    fleet,
    targetGroupArn,
  }));
}

function movedRequest({ zoneId, name }: Domain, { door, settleSeconds }: SwitchoverArgs) {
  return door.address.apply((target) => ({ step: "moved" as const, zoneId, name, target, settleSeconds }));
}

/** A group's servers are its own affair: it takes them in and out. So only a single server is named. */
function drainedRequest(targetGroupArn: pulumi.Output<string>, serving: Serving) {
  const keep = serving.kind === "server" ? serving.instanceId.apply((id) => [id]) : pulumi.output<string[]>([]);
  return pulumi
    .all([targetGroupArn, keep])
    .apply(([targetGroupArn, keep]) => ({ step: "drained" as const, targetGroupArn, keep }));
}
