import { testStoreContract } from "../store_contract.ts";
import { openSubject } from "./folder.ts";

testStoreContract("SqliteKvStore", () => openSubject(), {
  persistent: true,
  stories: 6,
});
