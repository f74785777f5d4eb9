import type { Phase } from "./features.ts";
import { two } from "./two.ts";

export const three: Phase = {
  number: 3,
  title: "elastic",
  gives: "the service survives losing a server or a zone, and grows with its load",
  adds: [
    "an Auto Scaling group in the private application subnets, on the same target group",
    "a NAT gateway per zone",
    "a standby database in a second zone",
  ],
  retires: ["the single server and its address, once the group is healthy and the server has drained"],
  features: {
    ...two.features,
    fleet: "group",
    nat: true,
    database: { standby: true },
  },
};
