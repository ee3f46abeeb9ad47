import { existsSync } from "node:fs";
import { join } from "node:path";
import { dataFolder } from "../base/paths.ts";
import type { InstanceContext } from "../host/provider.ts";
import { databasePath } from "../providers/storage/storage.ts";
import { Decisions } from "../trust/decisions.ts";

export const storageFolder = (): string => join(dataFolder(), "storage");

/**
 * Who a component is across its versions, for what it stores. What was built here keeps its database when it is built
 * anew. What somebody who is trusted signed as a package keeps it for that signer's versions of this package: of several
 * signers the first that has one, so that it stays where one of them no longer signs. Any other bytes have one of their
 * own.
 */
export const storageIdentity = ({ digest, signedAs = [] }: InstanceContext["component"]): string => {
  const built = new Decisions().trust(digest).find(({ why }) => why === "built");
  if (built) return built.identifier;
  const subjects = [...signedAs].sort();
  return subjects.find((one) => existsSync(databasePath(storageFolder(), one))) ?? subjects[0] ?? digest;
};
