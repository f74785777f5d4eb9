import type { Phase } from "./features.ts";
import { one } from "./one.ts";

export const two: Phase = {
  number: 2,
  title: "guarded edge",
  gives: "nothing in the public subnets can be reached from outside but the load balancer",
  adds: [
    "an Application Load Balancer guarded by WAF (`edge: alb`)",
    "or a Network Load Balancer and a network ACL that blocks addresses (`edge: nlb`)",
  ],
  retires: ["direct access to the server, once clients have moved to the load balancer"],
  features: {
    ...one.features,
    entry: "balancer",
  },
};
