import { ownHex, type ResourceType } from "../../aws/resource-type.ts";
import { failuresIn, settingsOf } from "./settings.ts";

/** Facts of mappings. */
export const mappingFacts: Omit<ResourceType, "part"> = {
  required: ["functionName", "eventSourceArn", "startingPosition"],
  unserved: [
    "amazonManagedKafkaEventSourceConfig",
    "documentDbEventSourceConfig",
    "filterCriteria",
    "provisionedPollerConfig",
    "queues",
    "scalingConfig",
    "selfManagedEventSource",
    "sourceAccessConfigurations",
    "startingPositionTimestamp",
    "topics",
    "tumblingWindowInSeconds",
  ],
  once: { inputs: ["eventSourceArn", "functionName"], taken: "ResourceConflictException" },
  id: (draft) => ownHex(draft, 32).replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"),
  check: failuresIn,
  defaults: {
    batchSize: 100,
    bisectBatchOnFunctionError: false,
    enabled: true,
    maximumBatchingWindowInSeconds: 0,
    maximumRecordAgeInSeconds: -1,
    maximumRetryAttempts: -1,
    parallelizationFactor: 1,
    tumblingWindowInSeconds: 0,
  },
  outputs: (record, context) => {
    const { functionName, isEnabled } = settingsOf(record.inputs);
    const arn = `arn:aws:lambda:${context.region}:${context.account}`;
    return {
      arn: `${arn}:event-source-mapping:${record.id}`,
      functionArn: functionName.startsWith("arn:") ? functionName : `${arn}:function:${functionName}`,
      lastProcessingResult: "",
      state: isEnabled ? "Enabled" : "Disabled",
      stateTransitionReason: "USER_INITIATED",
      uuid: record.id,
    };
  },
};
