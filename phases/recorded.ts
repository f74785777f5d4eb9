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
  /** Units of write per second that the DynamoDB table has been warmed for, if it has. */
  readonly warmed?: number | undefined;
}

/** What a stack writes down before an update makes anything that holds data, as that stays even if the update fails. */
export interface Begun {
  /** Highest phase that was ever begun. */
  readonly highest: number;
  /** The last migration that was begun; not there in a stack that never had one. */
  readonly migration?: BegunMigration | undefined;
  /** The most units of write per second that the DynamoDB table was ever to be warmed for, if it was. */
  readonly warmed?: number | undefined;
}

/** One time of moving all rows to DynamoDB. */
export interface Migration {
  /** Counts the migrations of the stack, from 1. */
  readonly run: number;
  readonly strategy: Strategy;
}

/** A migration, and whether the stack has gone, or begun to go, back down from it since. */
export interface BegunMigration extends Migration {
  readonly ended: boolean;
}

const recorded: z.ZodType<Recorded> = z.object({
  phase: z.number().int().positive(),
  highest: z.number().int().positive(),
  edge: z.enum(["alb", "nlb"]).nullable(),
  zones: z.array(z.string()).min(2),
  ami: z.string(),
  architecture: z.enum(["arm64", "x86_64"]),
  storage: z.number().positive(),
  born: z.string().regex(/^\d{14}$/),
  warmed: z.number().int().positive().optional(),
});

const begun: z.ZodType<Begun> = z.object({
  highest: z.number().int().positive(),
  migration: z
    .object({
      run: z.number().int().positive(),
      strategy: z.enum(["snapshot", "dual-write", "bulk"]),
      ended: z.boolean(),
    })
    .optional(),
  warmed: z.number().int().positive().optional(),
});

/**
 * Reads the text of the record of where the stack stands.
 * @throws Error when it is not a record, naming the parameter to look at.
 */
export function parseRecorded(text: string, parameter: string): Recorded {
  return parse(recorded, text, `The record of where this stack stands, SSM parameter ${parameter},`);
}

/**
 * Reads the text of the record of what the stack has begun.
 * @throws Error when it is not a record, naming the parameter to look at.
 */
export function parseBegun(text: string, parameter: string): Begun {
  return parse(begun, text, `The record of what this stack has begun, SSM parameter ${parameter},`);
}

function parse<T>(shape: z.ZodType<T>, text: string, what: string): T {
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
    `${what} is not readable (${problems.join("; ")}). ` +
      "Nothing was changed. Restore the parameter's previous version, then run `pulumi up` again.",
  );
}
