import { describeStoreContract } from "../store/contract.ts";
import { openTestStore } from "./opened.ts";

describeStoreContract("MySQL", () => openTestStore());
