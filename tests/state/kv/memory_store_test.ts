import { MemoryKvStore } from "../../../src/state/kv/memory/store.ts";
import { testStoreContract } from "./store_contract.ts";

testStoreContract("MemoryKvStore", () => {
  const store = new MemoryKvStore();
  return Promise.resolve({
    store,
    reopen: null,
    end: () => {
      store.close();
      return Promise.resolve();
    },
  });
}, { persistent: false, stories: 40 });
