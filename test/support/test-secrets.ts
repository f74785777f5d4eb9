import type { Credentials } from "../../app/aws/secrets.ts";

/** Secrets in memory, for tests that don't need the protocol. */
export class TestSecrets {
  readonly values = new Map<string, Credentials>();
  /** Ids in the order they were read. */
  readonly reads: string[] = [];

  constructor(admin: Credentials) {
    this.values.set("admin", admin);
  }

  async read(id: string): Promise<Credentials | undefined> {
    this.reads.push(id);
    return this.values.get(id);
  }

  async write(id: string, credentials: Credentials): Promise<void> {
    this.values.set(id, credentials);
  }
}
