import { join } from "node:path";
import { repositoryRoot, resource } from "../base/resources.ts";

/** A core module with the old WASI (preview 1) is a command, with `_start`, or a reactor, without. */
export type AdapterKind = "command" | "reactor";

export const preview1 = "wasi_snapshot_preview1";

/** jco's adapter from preview 1 to WASI 0.2, as the executable carries it; from source, as npm has it. */
export const preview1Adapter = async (kind: AdapterKind): Promise<Uint8Array> => {
  const name = `${preview1}.${kind}.wasm`;
  const installed = Bun.file(join(repositoryRoot, "node_modules/@bytecodealliance/jco/lib", name));
  if (repositoryRoot !== "" && (await installed.exists())) return installed.bytes();
  return resource(`adapters/${name}`);
};
