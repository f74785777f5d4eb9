import { z } from "zod";

const server = z.object({ kind: z.literal("server"), instanceId: z.string().min(1) });

const group = z.object({
  kind: z.literal("group"),
  name: z.string().min(1),
  /** Version of the launch template that every server must have. */
  templateVersion: z.string().min(1),
  /** Healthy servers there must be at least. */
  least: z.number().int().positive(),
});

const ready = z.object({
  step: z.literal("ready"),
  /** Public address or name that must answer; a port may follow. */
  address: z.string().min(1),
  /** Name that clients ask it for; the address itself without one. */
  host: z.string().min(1).optional(),
  fleet: z.discriminatedUnion("kind", [server, group]),
  /** Target group in which the fleet must be healthy; without one the address is the server's own. */
  targetGroupArn: z.string().optional(),
});

const moved = z.object({
  step: z.literal("moved"),
  zoneId: z.string().min(1),
  name: z.string().min(1),
  /** Address or name that the record must give. */
  target: z.string().min(1),
  /** How long clients may go on using what the record gave before. */
  settleSeconds: z.number().nonnegative(),
});

const drained = z.object({
  step: z.literal("drained"),
  targetGroupArn: z.string().min(1),
  /** Instances that stay, besides those of any Auto Scaling group. */
  keep: z.array(z.string()),
});

const request = z.discriminatedUnion("step", [ready, moved, drained]);

/** What the waiter is asked to wait for. */
export type GateRequest = z.infer<typeof request>;
/** Who shall serve. */
export type FleetRequest = z.infer<typeof ready>["fleet"];
export type ReadyRequest = z.infer<typeof ready>;
export type MovedRequest = z.infer<typeof moved>;
export type DrainedRequest = z.infer<typeof drained>;

/**
 * Reads an event.
 * @throws Error that says what in it is not understood
 */
export function parseRequest(event: unknown): GateRequest {
  const parsed = request.safeParse(event);
  if (parsed.success) return parsed.data;
  throw new Error(`The gate does not understand ${JSON.stringify(event)}: ${z.prettifyError(parsed.error)}`);
}
