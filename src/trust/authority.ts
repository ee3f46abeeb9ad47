import { realpathSync } from "node:fs";
import { type Digest, digestOf } from "../base/digest.ts";
import type { Manifest } from "../base/manifest/manifest.ts";
import type { GrantsTable, SlotTable } from "../base/manifest/tables.ts";
import { flagText, fromTable, grantText } from "./written.ts";

/** All that one loop.toml grants: to what is built beside it, and to the fillings that it names. */
export interface Authority {
  /** Of the grants and of the folder that they are relative to: another folder, or a word more, is another one. */
  readonly digest: Digest;
  /** The file. */
  readonly place: string;
  /** For people: the flags of each, and to whom. */
  readonly lines: readonly string[];
}

/** What a loop.toml grants; undefined where that is nothing. */
export const authorityOf = (manifest: Manifest): Authority | undefined => {
  const own = fromTable(manifest.grants);
  const slots = [...manifest.slots].flatMap(([name, slot]) => {
    const grants = slot.grants ? textsOf(slot.grants) : [];
    return grants.length > 0 ? [{ name, to: toWhom(slot), grants }] : [];
  });
  if (own.length === 0 && slots.length === 0) return undefined;
  const said = [realpathSync(manifest.folder), own.map(grantText), slots];
  return {
    digest: digestOf(new TextEncoder().encode(JSON.stringify(said))),
    place: manifest.path,
    lines: [
      ...(own.length > 0 ? [`to what is built there: ${own.map(flagText).join(" ")}`] : []),
      ...slots.map(({ name, to, grants }) => `to ${to.join(", ")} in the slot ${name}: ${grants.join(", ")}`),
    ],
  };
};

const textsOf = (grants: readonly string[] | GrantsTable): readonly string[] =>
  Array.isArray(grants) ? (grants as readonly string[]) : fromTable(grants as GrantsTable).map(grantText);

const toWhom = ({ use, default: standard }: SlotTable): readonly string[] => use ?? standard ?? [];
