import { describeStoreContract } from "../store/contract.ts";
import { type TwoStores, twoStores } from "./fixture.ts";
import { sharedEmulator } from "../../support/test-dynamo.ts";

describe("One store over two", () => {
  before(async function startEmulator() {
    this.timeout(120_000);
    await sharedEmulator();
  });

  const inState = (name: string, prepare: (stores: TwoStores) => Promise<unknown>) =>
    describeStoreContract(name, async () => {
      const stores = await twoStores();
      const { store, close } = await stores.open();
      await prepare(stores);
      return { store, nextId: stores.nextId, close };
    });

  inState("MySQL, with DynamoDB beside it", async () => {});
  inState("DynamoDB, since a switch", (stores) => stores.switchOver());
  inState("MySQL again, since a return", async (stores) => {
    await stores.switchOver();
    await stores.switchBack();
  });
});
