import * as pulumi from "@pulumi/pulumi";
import { renderBootstrap } from "./app/agent/bootstrap.ts";
import { Group } from "./components/compute/group.ts";
import { Identity } from "./components/compute/identity.ts";
import { Server } from "./components/compute/server.ts";
import { Database } from "./components/data.ts";
import { Delivery } from "./components/delivery/delivery.ts";
import { serverEnvironment } from "./components/delivery/environment.ts";
import { Edge } from "./components/edge/edge.ts";
import { Firewall } from "./components/firewall.ts";
import { Gate } from "./components/gate.ts";
import { proofHeader } from "./components/media/front.ts";
import { Media } from "./components/media/media.ts";
import { FrontSecret } from "./components/media/secret.ts";
import { Network } from "./components/network.ts";
import { StackRecord } from "./components/record.ts";
import { Switchover } from "./components/switchover.ts";
import { nextStep } from "./phases/next.ts";
import { prepare } from "./prepare.ts";

const stack = pulumi.getStack();
const { config, plan, artifacts } = await prepare(stack);
const { features, record } = plan;
const { region, teardown, certificateArn, domainName, hostedZoneId, recordTtl } = config;
const name = "chirp";
const release = `/chirp/${stack}/release`;

const network = new Network(name, { zones: record.zones, nat: features.nat });
const { vpcId, publicSubnetIds, appSubnetIds, dataSubnetIds } = network;
const firewall = new Firewall(name, { vpcId, entry: features.entry, https: certificateArn !== undefined });

const database = new Database(name, {
  subnetIds: dataSubnetIds,
  securityGroupId: firewall.databaseId,
  instanceClass: config.databaseClass,
  storage: config.databaseStorage,
  standby: features.database.standby,
  // RDS allows letters, digits and single hyphens.
  finalSnapshot: [name, ...(stack.match(/[A-Za-z0-9]+/g) ?? []), "final", record.born].join("-"),
  teardown,
});

const domain =
  domainName === undefined || hostedZoneId === undefined ? undefined : { name: domainName, zoneId: hostedZoneId };
const secret = features.pictures === "none" ? undefined : new FrontSecret(name);
const edge =
  features.entry === "balancer"
    ? new Edge(name, {
        ...config,
        kind: config.edge,
        vpcId,
        subnetIds: publicSubnetIds,
        zones: record.zones,
        securityGroupId: firewall.balancerId,
        connectionAge: recordTtl,
        countedElsewhere: secret && { header: proofHeader, value: secret.value },
      })
    : undefined;
const targetGroupArn = edge?.targetGroupArn;

const media =
  features.pictures === "served" && secret && edge
    ? new Media(name, {
        teardown,
        front: {
          ...config,
          balancerName: edge.door.address,
          https: certificateArn !== undefined,
          secret,
          domain,
        },
      })
    : undefined;
const served = media?.served;

const environment = serverEnvironment({
  region,
  database,
  edge: record.edge,
  media: served,
  pictureMegabytes: config.pictureMegabytes,
  frontSecretArn: secret?.arn,
  connectionAge: recordTtl,
});
const delivery = new Delivery(name, { releaseName: release, ...artifacts, environment, teardown });

const { adminSecretArn, appSecretArn } = database;
const { bucketArn, releaseArn, releaseVersion } = delivery;
const identity = new Identity(name, {
  logGroupName: `/chirp/${stack}/servers`,
  releaseArn,
  bucketArn,
  adminSecretArn,
  appSecretArn,
  media: served,
  frontSecretArn: secret?.arn,
});

const machine = {
  ami: record.ami,
  instanceType: config.serverInstanceType,
  diskSize: 10,
  securityGroupId: firewall.serversId,
  identity,
  targetGroupArn,
  after: [network, firewall, delivery, ...[edge, media].filter((component) => component !== undefined)],
};
const server =
  features.fleet === "server"
    ? new Server(name, {
        ...machine,
        subnetId: publicSubnetIds.apply((ids) => ids[0] ?? ""),
        bootstrap: renderBootstrap({ release, region }),
      })
    : undefined;
const group =
  features.fleet === "group"
    ? new Group(name, {
        ...machine,
        subnetIds: appSubnetIds,
        minServers: config.minServers,
        maxServers: config.maxServers,
        // Pinned: a new release is a new template version, and so a refresh that can be rolled back.
        bootstrap: releaseVersion.apply((version) => renderBootstrap({ release: `${release}:${version}`, region })),
      })
    : undefined;

const door = media?.door ?? edge?.door ?? server?.door;
const serving = group?.serving ?? server?.serving;
if (door === undefined || serving === undefined) throw new Error(`Phase ${plan.phase.number} has no way in.`);

const gate = new Gate(name, {
  artifact: artifacts.gate,
  logGroupName: `/chirp/${stack}/gate`,
  targetGroupArn,
  hostedZoneId,
});
const switchover = new Switchover(name, {
  gate,
  serving,
  door,
  targetGroupArn,
  domain: domain && { ...domain, ttl: recordTtl },
  // First resolvers forget the old address, then the connections that were made to it reach their age.
  settleSeconds: recordTtl * 2,
  after: [firewall, ...[edge, secret, media, server, group].filter((component) => component !== undefined)],
});

// Pictures that are only kept: whatever served them serves on until clients have moved.
const kept =
  features.pictures === "kept" ? new Media(name, { teardown, front: undefined, after: [switchover] }) : undefined;

new StackRecord(name, {
  stack,
  record,
  after: [network, database, delivery, switchover, ...(kept === undefined ? [] : [kept])],
});

/** Name or address at which people and programs enter. */
export const entryAddress = domainName ?? door.address;
/** Where people open the service. */
export const url = pulumi.interpolate`${served || (edge && certificateArn) ? "https" : "http"}://${entryAddress}`;
/** Where the stack stands. */
export const phase = plan.phase.number;
/** What to do next. */
export const next = nextStep(plan, teardown);
