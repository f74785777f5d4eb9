/** Attribute that DynamoDB's time to live looks at, in Unix seconds; only what is no row's has it. */
export const timeToLive = "ttl";

/** What the table must be, wherever it is made: by the Pulumi program, or in a test. */
export const tableDefinition = {
  partitionKey: "pk",
  sortKey: "sk",
  timeToLive,
  streamViewType: "NEW_AND_OLD_IMAGES",
} as const;
