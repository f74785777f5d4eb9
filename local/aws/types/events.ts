import { queue, queueFacts } from "../../parts/queue/queues.ts";
import { mappingFacts } from "../../parts/stream/facts.ts";
import { mapping } from "../../parts/stream/mappings.ts";
import type { ResourceType } from "../resource-type.ts";

/** What carries events: streams to functions, and the queues that are told of those that were given up. */
export const events: Record<string, ResourceType> = {
  "aws:lambda/eventSourceMapping:EventSourceMapping": { ...mappingFacts, part: mapping },
  "aws:sqs/queue:Queue": { ...queueFacts, part: queue },
};
