import { Snowflakes } from "../../../app/domain/snowflake.ts";
import { openMysql } from "../../../app/store/mysql/open.ts";
import { testDatabase } from "../../support/test-database.ts";
import { TestSecrets } from "../../support/test-secrets.ts";
import { describeStoreContract } from "../store/contract.ts";

describeStoreContract("MySQL", async () => {
  const { address, admin } = await testDatabase();
  const secrets = new TestSecrets(admin);
  const { store, close } = await openMysql({ address, secrets, adminSecret: "admin", appSecret: "app" });
  const ids = new Snowflakes(() => Date.now());
  ids.use({ worker: 0, from: 0, until: Number.MAX_SAFE_INTEGER });
  return { store, nextId: () => ids.next(), close };
});
