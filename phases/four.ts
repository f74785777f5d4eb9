import type { Phase } from "./features.ts";
import { three } from "./three.ts";

export const four: Phase = {
  number: 4,
  title: "media",
  gives: "posts have pictures, which never pass through the servers, and browsers get HTTPS",
  adds: [
    "a private S3 bucket that browsers upload to with pre-signed requests",
    "CloudFront, with a WAF of its own, in front of the bucket and of the load balancer",
    "a certificate for CloudFront, with a domain name",
  ],
  retires: [],
  features: {
    ...three.features,
    pictures: "served",
  },
};
