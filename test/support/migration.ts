import * as pulumi from "@pulumi/pulumi";
import { Database } from "../../components/data/database.ts";
import { Tables } from "../../components/data/tables.ts";
import { Delivery } from "../../components/delivery/delivery.ts";
import { Firewall } from "../../components/firewall.ts";
import { Migration, type MigrationArgs } from "../../components/migration/migration.ts";
import { type Run, runProgram } from "./program.ts";

const artifact = (letter: string) => ({ path: `/somewhere/${letter}.mjs`, sha256: letter.repeat(64) });

/** A migration on mocks, with all that it needs around it. */
export function migration(strategy: MigrationArgs["strategy"], changes: Partial<MigrationArgs> = {}): Promise<Run> {
  return runProgram(() => {
    const teardown = false;
    const database = new Database("chirp", {
      subnetIds: ["data-1", "data-2"],
      securityGroupId: "sg-database",
      instanceClass: "db.t4g.micro",
      storage: 20,
      standby: true,
      finalSnapshot: "chirp-dev-final-20260101000000",
      teardown,
    });
    const firewall = new Firewall("chirp", {
      vpcId: "vpc-1",
      entry: "balancer",
      https: false,
      migration: { copy: strategy === "snapshot" },
    });
    const delivery = new Delivery("chirp", {
      releaseName: "/chirp/dev/release",
      agent: artifact("a"),
      server: artifact("b"),
      environment: {},
      teardown,
    });
    if (!firewall.migration) throw new Error("the firewall was asked for a migration's groups");
    const { page } = new Migration("chirp", {
      stack: "dev",
      region: "us-east-1",
      run: 3,
      strategy,
      artifact: artifact("c"),
      delivery,
      database,
      tables: new Tables("chirp", { teardown, after: [] }),
      snapshotName: "chirp-dev-migration-20260101000000-3",
      databaseClass: "db.t4g.medium",
      subnetIds: ["app-1", "app-2"],
      groups: firewall.migration,
      lastSecurityGroupId: firewall.serversId,
      machine: { ami: "ami-0123456789abcdef0", instanceType: "t4g.small", diskSize: 10 },
      after: [firewall],
      waysOut: pulumi.output<pulumi.Resource[]>([]),
      ...changes,
    });
    return { page };
  });
}

export const strategies = ["snapshot", "dual-write", "bulk"] as const;

/** URNs of what has to be there before this resource, directly. */
export function needs(run: Run, type: string, name: string): readonly string[] {
  return run.one(type, name).dependencies;
}
