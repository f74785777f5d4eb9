import { z } from "zod";
import type { Strategy } from "./features.ts";

/** What a stack wrote about itself at the end of its last successful update. */
export interface Recorded {
  /** Phase the stack stands at. */
  readonly phase: number;
  /** Highest phase it ever stood at. */
  readonly highest: number;
  /** Load balancer it has, if any. */
  readonly edge: "alb" | "nlb" | null;
  /** Availability zones in the order of the subnets. */
  readonly zones: readonly string[];
  /** Machine image that new servers start from. */
  readonly ami: string;
  /** Processor architecture of that image. */
  readonly architecture: "arm64" | "x86_64";
  /** Database storage in GB, as configured. */
  readonly storage: number;
  /** When the stack was first brought up: 14 digits, UTC. Makes the final snapshot's name unique. */
  readonly born: string;
  /** The migration that runs, or the last one that did; not there in a stack that never had one. */
  readonly migration?: Migration | undefined;
  /** Units of write per second that the DynamoDB table has been warmed for, if it has. */
  readonly warmed?: number | undefined;
}

/** One time of moving all rows to DynamoDB. */
export interface Migration {
  /** Counts the migrations of the stack, from 1. */
  readonly run: number;
  readonly strategy: Strategy;
}

const shape = z.object({
  phase: z.number().int().positive(),
  highest: z.number().int().positive(),
  edge: z.enum(["alb", "nlb"]).nullable(),
  zones: z.array(z.string()).min(2),
  ami: z.string(),
  architecture: z.enum(["arm64", "x86_64"]),
  storage: z.number().positive(),
  born: z.string().regex(/^\d{14}$/),
  // Records of before there were migrations don't have these.
  migration: z
    .object({ run: z.number().int().positive(), strategy: z.enum(["snapshot", "dual-write", "bulk"]) })
    .optional(),
  warmed: z.number().int().positive().optional(),
});

/**
 * Reads the record's text.
 * @throws Error when it is not a record, naming the parameter to look at.
 */
export function parseRecorded(text: string, parameter: string): Recorded {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join(".") || "value"}: ${issue.message}`);
  throw new Error(
    `The record of where this stack stands, SSM parameter ${parameter}, is not readable (${problems.join("; ")}). ` +
      "Nothing was changed. Restore the parameter's previous version, then run `pulumi up` again.",
  );
}
