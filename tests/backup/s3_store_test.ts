import { S3Store } from "../../src/backup/stores/s3_store.ts";
import { S3Stub } from "../s3/stub.ts";
import { storeContract } from "./store_contract.ts";
import { impatient, optionsOf } from "./s3_store.ts";

const MIB = 1024 * 1024;

storeContract("S3Store on the stub", () => {
  const stub = new S3Stub();
  const store = new S3Store(optionsOf(stub), () => {}, impatient);
  return Promise.resolve({
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await stub[Symbol.asyncDispose]();
    },
  });
}, { large: 17 * MIB + 3, raced: 1000, sealed: null });

storeContract("S3Store on a stub without conditions", () => {
  const stub = new S3Stub();
  stub.conditions = "complete only";
  const store = new S3Store(optionsOf(stub), () => {}, impatient);
  return Promise.resolve({
    store,
    async [Symbol.asyncDispose]() {
      await store.close();
      await stub[Symbol.asyncDispose]();
    },
  });
}, { large: 17 * MIB + 3, raced: 17 * MIB + 3, sealed: null });
