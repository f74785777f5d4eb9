import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** What a table with provisioned throughput lets through; emulators let everything through. */
export interface Throughput {
  /** Items per second; a transaction costs two for each. */
  itemsPerSecond: number;
  /** Items that may be saved up. */
  burst: number;
  /** By which of the names that throttling has a whole request is refused. */
  error?: string;
}

/** How a table of limited throughput has been treated. */
export interface Treatment {
  taken: number;
  refused: number;
}

interface Writes {
  Item?: unknown;
  Statements?: unknown[];
  TransactItems?: unknown[];
}

/**
 * Gives a client's writes limited throughput. What goes over it is refused as DynamoDB does: a statement of a batch by
 * itself, a transaction as a whole with the reasons of its actions, a single put by an error.
 */
export function limitThroughput(client: DynamoDBClient, limit: Throughput): Treatment {
  const treatment = { taken: 0, refused: 0 };
  let [saved, since] = [limit.burst, performance.now()];
  const take = (units: number): boolean => {
    const now = performance.now();
    saved = Math.min(limit.burst, saved + ((now - since) / 1000) * limit.itemsPerSecond);
    since = now;
    const fits = saved >= units;
    if (fits) saved -= units;
    return fits;
  };
  const count = (fits: boolean, items: number) => {
    treatment[fits ? "taken" : "refused"] += items;
    return fits;
  };
  const refusal = (properties: object) => Object.assign(new Error("slow down"), properties);

  client.middlewareStack.add(
    (next) => async (args) => {
      const { Item, Statements, TransactItems } = args.input as Writes;
      if (Item && !count(take(1), 1)) throw refusal({ name: limit.error ?? "ProvisionedThroughputExceededException" });
      if (TransactItems) {
        // Which actions it hits is by chance; one is enough to refuse them all.
        const hit = TransactItems.findIndex(() => !take(2));
        if (!count(hit === -1, TransactItems.length))
          throw refusal({
            name: "TransactionCanceledException",
            CancellationReasons: TransactItems.map((_, index) => ({
              Code: index === hit ? "ThrottlingError" : "None",
            })),
          });
      }
      if (!Statements) return next(args);
      const fits = Statements.map(() => count(take(1), 1));
      const kept = Statements.filter((_, index) => fits[index]);
      const result = kept.length > 0 ? await next({ ...args, input: { ...args.input, Statements: kept } }) : undefined;
      const answers = [...((result?.output as { Responses?: unknown[] } | undefined)?.Responses ?? [])];
      const Code = "ProvisionedThroughputExceeded";
      const Responses = fits.map((fit) => (fit ? answers.shift() : { Error: { Code, Message: "slow down" } }));
      return { response: result?.response, output: { $metadata: {}, ...(result?.output ?? {}), Responses } } as never;
    },
    { step: "initialize", name: "throughput" },
  );
  return treatment;
}
