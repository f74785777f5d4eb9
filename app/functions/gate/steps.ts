import { type Patience, waitFor, waitUntil } from "./patience.ts";
import type { DrainedRequest, GateRequest, MovedRequest, ReadyRequest } from "./request.ts";
import {
  isOut,
  judgeAddress,
  judgeBalancer,
  judgeDrained,
  judgeGroup,
  judgeRecord,
  judgeServer,
  strangersAmong,
  type Verdict,
} from "./verdicts.ts";
import type { World } from "./world.ts";

/** Does what an update asks for; resolves with what was seen when it held. */
export function perform(request: GateRequest, world: World, patience: Patience): Promise<string> {
  switch (request.step) {
    case "ready":
      return ready(request, world, patience);
    case "moved":
      return moved(request, world, patience);
    case "drained":
      return drained(request, world, patience);
  }
}

/** Whoever shall serve is healthy, and the door to it answers. */
async function ready(request: ReadyRequest, world: World, patience: Patience): Promise<string> {
  const { address, host, fleet, targetGroupArn } = request;
  if (targetGroupArn === undefined)
    return waitUntil(
      `the server at ${address} to answer`,
      async () => judgeAddress(address, await world.health(address, host)),
      patience,
    );
  const lookAtFleet = async (): Promise<Verdict> => {
    const targets = await world.targets(targetGroupArn);
    if (fleet.kind === "server") {
      // An update that ended early may have drained this server and left its attachment: then nothing else puts it back.
      if (isOut(fleet.instanceId, targets)) await world.register(targetGroupArn, fleet.instanceId);
      return judgeServer(fleet.instanceId, targets);
    }
    const [members, newest] = await Promise.all([world.members(fleet.name), world.newestRefresh(fleet.name)]);
    return judgeGroup(fleet, members, newest, targets);
  };
  const who = fleet.kind === "server" ? `server ${fleet.instanceId}` : `group ${fleet.name}`;
  const healthy = await waitUntil(`${who} to be healthy behind the load balancer`, lookAtFleet, patience);
  const answers = await waitUntil(
    `the load balancer at ${address} to answer`,
    async () => judgeBalancer(address, await world.health(address, host)),
    patience,
  );
  return `${healthy}; ${answers}`;
}

/** The record gives the new door, and nobody uses the old one any more. */
async function moved(request: MovedRequest, world: World, patience: Patience): Promise<string> {
  const { zoneId, name, target, settleSeconds } = request;
  const saw = await waitUntil(
    `the record ${name} to lead to ${target}`,
    async () => judgeRecord(request, await world.record(zoneId, name)),
    patience,
  );
  await waitFor(`clients to follow the record ${name}`, settleSeconds * 1000, patience);
  return `${saw}, and ${settleSeconds} s have passed`;
}

/** Every target that is neither wanted nor a group's own has been taken out and has finished what it was doing. */
async function drained(request: DrainedRequest, world: World, patience: Patience): Promise<string> {
  const { targetGroupArn, keep } = request;
  const look = async (): Promise<Verdict> => {
    const [targets, members] = await Promise.all([world.targets(targetGroupArn), world.everyMember()]);
    const { strangers, healthyLeft } = strangersAmong(targets, keep, members);
    const leaving = strangers.filter(({ state }) => state !== "draining").map(({ id }) => id);
    if (leaving.length > 0 && healthyLeft > 0) await world.deregister(targetGroupArn, leaving);
    return judgeDrained(strangers, healthyLeft);
  };
  return waitUntil("the servers that are no longer wanted to drain", look, patience);
}
