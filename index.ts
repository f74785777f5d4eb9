import * as pulumi from "@pulumi/pulumi";
import { renderBootstrap } from "./app/agent/bootstrap.ts";
import { Group } from "./components/compute/group.ts";
import { Identity } from "./components/compute/identity.ts";
import { Server } from "./components/compute/server.ts";
import { Database } from "./components/data/database.ts";
import { Tables } from "./components/data/tables.ts";
import { Delivery } from "./components/delivery/delivery.ts";
import { serverEnvironment } from "./components/delivery/environment.ts";
import { Edge } from "./components/edge/edge.ts";
import { Events } from "./components/events/events.ts";
import { Firewall } from "./components/firewall.ts";
import { Gate } from "./components/gate.ts";
import { proofHeader } from "./components/media/front.ts";
import { Media } from "./components/media/media.ts";
import { FrontSecret } from "./components/media/secret.ts";
import { Migration } from "./components/migration/migration.ts";
import { Network } from "./components/network.ts";
import { BegunRecord, StackRecord } from "./components/record.ts";
import { Switchover } from "./components/switchover.ts";
import { nextStep } from "./phases/next.ts";
import { prepare } from "./prepare.ts";

const stack = pulumi.getStack();
const { config, plan, artifacts, following } = await prepare(stack);
const { features, record } = plan;
const { region, teardown, certificateArn, domainName, hostedZoneId, recordTtl } = config;
const name = "chirp";
const release = `/chirp/${stack}/release`;
// What RDS names may consist of: letters, digits and single hyphens.
const rdsName = (...parts: string[]) => [name, ...(stack.match(/[A-Za-z0-9]+/g) ?? []), ...parts].join("-");

const follows = features.dynamodb === "follows";
const network = new Network(name, {
  zones: record.zones,
  nat: features.nat,
  dynamodb: follows ? region : undefined,
});
const { vpcId, publicSubnetIds, appSubnetIds, dataSubnetIds } = network;
const firewall = new Firewall(name, {
  vpcId,
  entry: features.entry,
  https: certificateArn !== undefined,
  migration: plan.migration && { copy: plan.migration.strategy === "snapshot" },
});

const database = new Database(name, {
  subnetIds: dataSubnetIds,
  securityGroupId: firewall.databaseId,
  instanceClass: config.databaseClass,
  storage: config.databaseStorage,
  standby: features.database.standby,
  finalSnapshot: rdsName("final", record.born),
  teardown,
});
const begun = [new BegunRecord(name, { stack, begun: plan.begun })];
const { warmth } = plan;
const tables = features.dynamodb === "none" ? undefined : new Tables(name, { warmth, teardown, after: begun });
const known = follows ? tables : undefined;

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
        bucketAfter: begun,
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
  tableName: known?.name,
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
  tableArn: known?.arn,
});

const hardware = { ami: record.ami, instanceType: config.serverInstanceType, diskSize: 10 };
const machine = {
  ...hardware,
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
  features.pictures === "kept"
    ? new Media(name, { teardown, bucketAfter: begun, front: undefined, after: [switchover] })
    : undefined;

const events =
  tables && following
    ? new Events(name, {
        artifact: following.fanout,
        logGroupName: `/chirp/${stack}/fanout`,
        tables,
        threshold: config.fanoutThreshold,
      })
    : undefined;
const migration =
  tables && following && plan.migration && firewall.migration
    ? new Migration(name, {
        stack,
        region,
        ...plan.migration,
        artifact: following.begin,
        delivery,
        database,
        tables,
        snapshotName: rdsName("migration", record.born, String(plan.migration.run)),
        databaseClass: config.databaseClass,
        subnetIds: appSubnetIds,
        groups: firewall.migration,
        lastSecurityGroupId: firewall.serversId,
        machine: hardware,
        // Every server knows the table before the first change has to get there.
        after: [network, firewall, switchover],
        waysOut: network.waysOut,
      })
    : undefined;

const last = [...begun, kept, tables, events, migration].filter((component) => component !== undefined);
new StackRecord(name, { stack, record, after: [network, database, delivery, switchover, ...last] });

const entryAddress = domainName ?? door.address;
// One object: an export of its own that has no value yet would be warned of at every update.
export default {
  /** Name or address at which people and programs enter. */
  entryAddress,
  /** Where people open the service. */
  url: pulumi.interpolate`${served || (edge && certificateArn) ? "https" : "http"}://${entryAddress}`,
  /** Where the stack stands. */
  phase: plan.phase.number,
  /** What to do next. */
  next: nextStep(plan, teardown),
  ...(tables && {
    /** The service's DynamoDB table, and the journal of the migration that fills it. */
    tableName: tables.name,
    journalTable: tables.journalName,
  }),
  /** Command that opens the page of the migration that runs. */
  ...(migration && { migrationPage: migration.page }),
};
