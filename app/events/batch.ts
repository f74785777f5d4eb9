import type { StreamRecord } from "./change.ts";

/** What Lambda is told about a batch: it continues from the earliest of these, and takes all before it as done. */
export interface BatchResponse {
  readonly batchItemFailures: { readonly itemIdentifier: string }[];
}

/** Partitions worked on at once. */
const concurrency = 8;

/**
 * Works on a batch of stream records: partitions beside each other, the records of one in their order. Where one fails,
 * those behind it in its partition wait for the retry; the other partitions go on.
 */
export async function inPartitions(
  records: readonly StreamRecord[],
  work: (record: StreamRecord) => Promise<void>,
  failed: (record: StreamRecord, error: unknown) => void,
): Promise<BatchResponse> {
  const partitions = [...Map.groupBy(records, ({ dynamodb }) => dynamodb?.Keys?.pk?.S).values()];
  const batchItemFailures: { itemIdentifier: string }[] = [];
  const lane = async () => {
    for (let partition = partitions.shift(); partition; partition = partitions.shift())
      for (const record of partition) {
        try {
          await work(record);
        } catch (error) {
          failed(record, error);
          batchItemFailures.push({ itemIdentifier: record.dynamodb?.SequenceNumber ?? "" });
          break;
        }
      }
  };
  await Promise.all(Array.from({ length: concurrency }, lane));
  return { batchItemFailures };
}
