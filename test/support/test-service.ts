import { pino } from "pino";
import { Passwords } from "../../app/domain/passwords.ts";
import { type AppOptions, createApp } from "../../app/server/app.ts";
import type { Backend } from "../../app/server/backend.ts";
import { Ids } from "../../app/server/ids.ts";
import { type Serving, serve } from "../../app/server/serve.ts";
import { openMysql } from "../../app/store/mysql/open.ts";
import { ApiClient } from "./api-client.ts";
import { type TestDatabase, testDatabase } from "./test-database.ts";
import { TestSecrets } from "./test-secrets.ts";

/** The service in this process, over a real database. */
export interface TestService {
  readonly url: string;
  readonly backend: Backend;
  readonly database: TestDatabase;
  client(): ApiClient;
  /** A client signed up under the name. */
  signUp(name: string): Promise<ApiClient>;
  stop(): Promise<void>;
}

export const password = "correct horse battery";

const page = { "/index.html": { type: "text/html; charset=utf-8", body: "<!doctype html><title>Chirp</title>" } };

export interface TestServiceOptions {
  /** @default 0 */
  readonly trustedProxies?: number;
  /** What a service in front of which there is CloudFront has in addition. @default nothing */
  readonly more?: (backend: Backend) => Pick<AppOptions, "front" | "media">;
}

/** Starts the service. Its password hashes are cheap: what they cost is not what most tests are about. */
export async function startTestService({ trustedProxies = 0, more }: TestServiceOptions = {}): Promise<TestService> {
  const database = await testDatabase();
  const secrets = new TestSecrets(database.admin);
  const log = pino({ level: "silent" });
  const opened = await openMysql({ address: database.address, secrets, adminSecret: "admin", appSecret: "app" });
  const ids = new Ids({ leases: opened.workers, holder: "test", log });
  await ids.start();
  const backend: Backend = { store: opened.store, nextId: () => ids.next() };
  const passwords = new Passwords({ cost: { N: 2, r: 8, p: 1 } });
  const app = createApp({ backend, passwords, page, trustedProxies, log, ...more?.(backend) });
  const serving: Serving = await serve({ app, listen: { port: 0, host: "127.0.0.1" }, maxConnectionAge: 60 });
  const url = `http://127.0.0.1:${serving.port}`;
  const client = () => new ApiClient(url);
  return {
    url,
    backend,
    database,
    client,
    async signUp(name) {
      const signedUp = client();
      const { status, body } = await signedUp.post("/api/signup", { name, password });
      if (status !== 201) throw new Error(`sign-up of ${name} answered ${status}: ${JSON.stringify(body)}`);
      return signedUp;
    },
    async stop() {
      await new Promise<void>((resolve) => {
        serving.server.close(() => resolve());
        serving.server.closeAllConnections();
      });
      await ids.close();
      await opened.close();
    },
  };
}
