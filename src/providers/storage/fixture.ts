import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sha256 } from "../../base/digest.ts";
import { DeclaredError } from "../../base/fault.ts";
import type { Audit } from "../../host/audit.ts";
import { quietContext } from "../../host/fixture.ts";
import { type StorageServices, storageProvider, type WireValue } from "./storage.ts";

// What the tests here share: one instance's storage without a guest, called as the linker's glue would call it.

export interface Answer {
  columns: string[];
  rows: WireValue[][];
}
export interface Statement {
  execute(parameters: WireValue[]): Promise<{ rows: bigint; lastInsertRowid: bigint }>;
  query(parameters: WireValue[]): Promise<Answer>;
  [Symbol.dispose](): void;
}
export interface Runner {
  execute(text: string, parameters: WireValue[]): Promise<{ rows: bigint; lastInsertRowid: bigint }>;
  query(text: string, parameters: WireValue[]): Promise<Answer>;
  prepare(text: string): Promise<Statement>;
}
export interface Transaction extends Runner {
  commit(): Promise<void>;
  rollback(): Promise<void>;
  [Symbol.dispose](): void;
}
export interface Sql extends Runner {
  begin(): Promise<Transaction>;
}
export interface KeyValue {
  get(key: string): Promise<Uint8Array | undefined>;
  set(key: string, value: Uint8Array): Promise<void>;
  delete(key: string): Promise<boolean>;
  list(prefix: string, cursor: string | undefined, max: number): Promise<{ keys: string[]; cursor?: string }>;
  compareAndSwap(key: string, expected?: Uint8Array, replacement?: Uint8Array): Promise<boolean>;
}

/** A folder for the databases of one test file, and the instances opened there. */
export const bench = () => {
  const root = mkdtempSync(join(tmpdir(), "loop-storage-"));
  const drops: (() => void)[] = [];
  let folders = 0;
  const open = (folder: string, services: Partial<StorageServices> = {}, name = "a", audit?: Audit) => {
    const own: (() => void)[] = [];
    const component = { identifier: `${name}.wasm`, digest: `sha256:${sha256(name)}` as const };
    const context = quietContext(component, {
      ...(audit && { audit }),
      onDrop: (release) => own.push(release),
    });
    const made = storageProvider({ folder: () => folder, ...services }).instantiate(context);
    const parts = made as unknown as Record<string, unknown>;
    const drop = () => {
      for (const release of own.splice(0).reverse()) release();
    };
    drops.push(drop);
    return {
      kv: parts["loop:storage/key-value@0.1.0"] as KeyValue,
      sql: parts["loop:storage/sql@0.1.0"] as Sql,
      drop,
    };
  };
  return {
    root,
    open,
    freshFolder: () => join(root, `${++folders}`),
    dropAll() {
      for (const drop of drops.splice(0).reverse()) drop();
    },
    remove: () => rmSync(root, { recursive: true, force: true }),
  };
};

export const refusal = async (work: () => unknown): Promise<string> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DeclaredError) return (error.payload as { tag: string }).tag;
    throw error;
  }
  return "accepted";
};

export const bytes = (text: string) => new TextEncoder().encode(text);
export const text = (value: Uint8Array | undefined) => value && new TextDecoder().decode(value);
export const integer = (val: number | bigint): WireValue => ({ tag: "integer", val: BigInt(val) });
