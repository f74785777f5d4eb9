import { table, tableFacts } from "../../parts/dynamo/tables.ts";
import { rdsInstance } from "../../parts/rds.ts";
import { snapshot } from "../../parts/snapshot/snapshots.ts";
import { arn, inputId, ownHex, regionOf, type ResourceType } from "../resource-type.ts";

/** Databases and their settings. */
export const data: Record<string, ResourceType> = {
  "aws:dynamodb/table:Table": { ...tableFacts, part: table },
  "aws:rds/subnetGroup:SubnetGroup": {
    required: ["subnetIds"],
    naming: { property: "name", prefix: "namePrefix", maxLength: 255, taken: "DBSubnetGroupAlreadyExists" },
    id: inputId("name"),
    inUse: "InvalidDBSubnetGroupStateFault",
    outputs: (record, context) => ({ arn: arn(regionOf(record, context), "rds", `subgrp:${record.id}`) }),
  },
  "aws:rds/parameterGroup:ParameterGroup": {
    required: ["family"],
    naming: { property: "name", prefix: "namePrefix", maxLength: 255, taken: "DBParameterGroupAlreadyExists" },
    id: inputId("name"),
    inUse: "InvalidDBParameterGroupState",
    outputs: (record, context) => ({ arn: arn(regionOf(record, context), "rds", `pg:${record.id}`) }),
  },
  "aws:rds/instance:Instance": {
    required: ["instanceClass"],
    part: rdsInstance,
    unserved: ["blueGreenUpdate", "replicateSourceDb", "restoreToPointInTime", "s3Import"],
    naming: { property: "identifier", prefix: "identifierPrefix", maxLength: 63, taken: "DBInstanceAlreadyExists" },
    id: (draft) => `db-${ownHex(draft, 26).toUpperCase()}`,
    outputs: (record, context) => ({
      arn: arn(regionOf(record, context), "rds", `db:${record.inputs.identifier}`),
      resourceId: record.id,
      status: "available",
      hostedZoneId: "Z2R2ITUGPM61AM",
      engineVersionActual: record.inputs.engineVersion,
      // Empty, as on no real instance: the server here shows no certificate.
      caCertIdentifier: "",
      ...record.state,
    }),
    check: ({ snapshotIdentifier, dbName }) =>
      snapshotIdentifier !== undefined && dbName !== undefined
        ? [{ property: "dbName", reason: "comes with the snapshot; leave it out" }]
        : [],
  },
  "aws:rds/snapshot:Snapshot": {
    required: ["dbInstanceIdentifier", "dbSnapshotIdentifier"],
    part: snapshot,
    unserved: ["sharedAccounts"],
    id: inputId("dbSnapshotIdentifier"),
    outputs: (record, context) => ({
      dbSnapshotArn: arn(regionOf(record, context), "rds", `snapshot:${record.id}`),
      snapshotType: "manual",
      status: "available",
      licenseModel: "general-public-license",
      ...record.state,
    }),
  },
};
