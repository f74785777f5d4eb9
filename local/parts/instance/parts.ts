import { isDeepStrictEqual } from "node:util";
import { AwsError } from "../../aws/errors.ts";
import type { Properties, ResourceRecord } from "../../aws/record.ts";
import { hex, type Part, regionOf } from "../../aws/resource-type.ts";
import type { LocalAws } from "../../local-aws.ts";
import { privateIpIn } from "./instances.ts";

const type = "aws:ec2/instance:Instance";

/** Starts the instance of a record, and starts it again should it die: EC2 recovers an instance that fails. */
export async function startInstance(record: ResourceRecord, aws: LocalAws): Promise<void> {
  const subnet = aws.registry.byId("aws:ec2/subnet:Subnet", record.inputs.subnetId);
  record.state.privateIp ??= record.inputs.privateIp ?? privateIpIn(subnet?.inputs.cidrBlock, record.id);
  aws.registry.save(record);
  const { userData, userDataBase64 } = record.inputs;
  await aws.instances.start({
    id: record.id,
    userData: userDataBase64 ? Buffer.from(String(userDataBase64), "base64").toString() : String(userData ?? ""),
    privateIp: String(record.state.privateIp),
    ...regionOf(record, aws),
  });
}

/** Follows single instances: starts those that were there, and recovers one that fails. */
export async function followInstances(aws: LocalAws): Promise<void> {
  aws.instances.on("change", (id) => {
    const record = aws.registry.byId(type, id);
    if (!record || aws.isStopping || aws.instances.state(id) !== "stopped" || record.state.isStopped) return;
    aws.log(`instance ${id} failed; recovering it`);
    setTimeout(() => {
      if (aws.isStopping || !aws.registry.byId(type, id)) return;
      startInstance(record, aws).catch((error: Error) => aws.log(`instance ${id}: ${error.message}`));
    }, 500).unref();
  });
  const made = aws.registry.ofType(type).filter(({ id }) => aws.instances.hasDisk(id));
  await Promise.all(made.map((record) => startInstance(record, aws)));
}

/** Changes for which EC2 has to stop an instance and start it again. */
const restarting = ["userData", "userDataBase64", "instanceType", "ebsOptimized"];

function setStopped(record: ResourceRecord, isStopped: boolean, aws: LocalAws): void {
  record.state.isStopped = isStopped;
  aws.registry.save(record);
}

export const instance: Part = {
  create: startInstance,
  update: async (record, before: Properties, aws) => {
    if (restarting.every((input) => before[input] === record.inputs[input])) return;
    aws.log(`instance ${record.id}: stopped and started again for its new settings; user data ran once, at its birth`);
    setStopped(record, true, aws);
    await aws.instances.stop(record.id);
    setStopped(record, false, aws);
    await startInstance(record, aws);
  },
  delete: async (record, aws) => {
    if (record.inputs.disableApiTermination === true)
      throw new AwsError(
        "OperationNotPermitted",
        `The instance '${record.id}' may not be terminated. Modify its 'disableApiTermination' instance attribute.`,
      );
    setStopped(record, true, aws);
    await aws.instances.terminate(record.id);
  },
  exists: (record, aws) => aws.instances.hasDisk(record.id),
};

/** Addresses that documentation may use, so that none of them is anybody's. */
export const elasticIp: Part = {
  create: (record, aws) => {
    const taken = new Set(aws.registry.ofType("aws:ec2/eip:Eip").map(({ state }) => state.publicIp));
    let last = Number.parseInt(hex(record.urn, 4), 16) % 254;
    while (taken.has(`203.0.113.${last + 1}`)) last = (last + 1) % 254;
    record.state.publicIp ??= `203.0.113.${last + 1}`;
    aws.registry.save(record);
  },
};

/** Whether a change of this input makes a new version; others belong to the template as a whole. */
export function makesTemplateVersion(input: string): boolean {
  return !["tags", "tagsAll", "defaultVersion", "updateDefaultVersion", "__defaults"].includes(input);
}

function changedInputs(before: Properties, after: Properties): string[] {
  const inputs = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...inputs].filter((input) => !isDeepStrictEqual(before[input], after[input]));
}

/** A launch template keeps every version it ever had. */
export const launchTemplate: Part = {
  create: (record, aws) => {
    record.state.versions ??= { 1: record.inputs };
    aws.registry.save(record);
  },
  update: (record, before, aws) => {
    if (![...changedInputs(before, record.inputs)].some(makesTemplateVersion)) return;
    const versions = record.state.versions as Record<string, Properties>;
    const latest = Object.keys(versions).length + 1;
    record.state.versions = { ...versions, [latest]: record.inputs };
    if (record.inputs.updateDefaultVersion === true) record.state.defaultVersion = latest;
    if (record.inputs.defaultVersion !== undefined) record.state.defaultVersion = record.inputs.defaultVersion;
    aws.registry.save(record);
  },
};
