import type { Phase } from "./features.ts";
import { four } from "./four.ts";

export const five: Phase = {
  number: 5,
  title: "migration",
  gives: "DynamoDB follows MySQL live, and is proven equal, while people go on writing",
  adds: [
    "a DynamoDB table (partition key: the user's id), its gateway endpoint, and a journal of the migration",
    "a function on the table's stream that keeps home timelines",
    "a worker that moves every row and then every change, and compares (`migration: snapshot`, `dual-write` or `bulk`)",
    "with `snapshot`, a copy of the database to read old rows from",
  ],
  retires: [],
  features: {
    ...four.features,
    dynamodb: "follows",
  },
};
