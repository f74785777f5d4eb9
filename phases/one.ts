import type { Phase } from "./features.ts";

export const one: Phase = {
  number: 1,
  title: "single server",
  gives: "a browser reaches one server, which reaches one database",
  adds: [
    "a VPC with every subnet tier of all phases",
    "one EC2 server with an Elastic IP address",
    "RDS for MySQL in the isolated data subnets",
  ],
  retires: [],
  features: {
    entry: "server",
    fleet: "server",
    nat: false,
    database: { standby: false },
    pictures: "none",
    dynamodb: "none",
  },
};
