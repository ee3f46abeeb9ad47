import { parseBytes } from "../../base/quantity.ts";
import { answering } from "../../host/crossing.ts";
import type { Store, StoredBlob } from "../../resolve/store/store.ts";

const open = async (): Promise<Store> => new (await import("../../resolve/store/store.ts")).Store();

/** `loop:pkg/store`. */
export const storeInterface = () => ({
  list: answering(async () => {
    const store = await open();
    return store.list().map(blobRecord(store));
  }),
  verify: answering(async () => {
    const store = await open();
    const record = blobRecord(store);
    const { checked, damaged } = store.verify();
    return { checked, damaged: damaged.map(record) };
  }),
  sweep: answering(async (max: string | undefined) => {
    const store = await open();
    const record = blobRecord(store);
    const { removed, bytes } = store.sweep(max === undefined ? undefined : parseBytes(max, "--max"));
    return { removed: removed.map(record), bytes: BigInt(bytes) };
  }),
  path: async () => (await open()).folder,
});

const blobRecord = (store: Store) => {
  const names = store.names.list();
  return ({ digest, bytes, usedAtMs }: StoredBlob) => ({
    digest,
    bytes: BigInt(bytes),
    usedAtMs: BigInt(Math.round(usedAtMs)),
    identifiers: names.filter((name) => name.digest === digest).map(({ identifier }) => identifier),
  });
};
