import type { Place } from "./record/states.ts";
import type { RecordWatch } from "./record/watch.ts";
import { isWithin, type WorkerLeases, workerShares } from "./workers.ts";

export interface WorkerRoutes {
  /** @throws AppError `unavailable` while it is not open */
  readonly mysql: () => WorkerLeases;
  readonly dynamodb: WorkerLeases;
  readonly watch: Pick<RecordWatch, "reads">;
}

/**
 * Worker numbers from the store that is the record: only that one has to be there. After a switch the next renewal is
 * answered with a number of the other store, for which the old one, good until its window ends, is used until then.
 */
export function routedWorkerLeases({ mysql, dynamodb, watch }: WorkerRoutes): WorkerLeases {
  const leasesAt = (place: Place) => (place === "mysql" ? mysql() : dynamodb);
  const grantor = (worker: number): Place => (isWithin(workerShares.dynamodb, worker) ? "dynamodb" : "mysql");
  return {
    claim: async (holder, duration) => leasesAt(await watch.reads()).claim(holder, duration),

    async renew(held, holder, duration) {
      const place = await watch.reads();
      const leases = leasesAt(place);
      return place === grantor(held.worker) ? leases.renew(held, holder, duration) : leases.claim(holder, duration);
    },

    // The store that granted it may be gone for good; then nobody asks it for a number either.
    release: async (held, holder, last) => leasesAt(grantor(held.worker)).release(held, holder, last),
  };
}
