import { realpathSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { errno, Fault, fault } from "../base/fault.ts";
import type { FolderGrant } from "./grants.ts";

const form = "HOST[::GUEST][:ro]";

/**
 * A folder grant as a person writes it: `HOST[::GUEST][:ro]`. A relative HOST is relative to `from` (absolute);
 * without GUEST the guest sees the folder under the name that was written. The host path in the result is
 * absolute with symbolic links resolved, so that what was granted cannot be exchanged later.
 * Faults: LK0702 malformed, missing, or no folder.
 */
export const parseFolder = (text: string, from: string): FolderGrant => {
  const readOnly = text.endsWith(":ro");
  const parts = (readOnly ? text.slice(0, -":ro".length) : text).split("::");
  const [host, guest = host] = parts;
  if (parts.length > 2 || !host || !guest || text.includes("\0"))
    throw fault("LK0702", `A folder is granted as ${form}, and "${text}" was written`, {
      hint: "--dir ./data::/data:ro",
    });
  return { host: existing(resolve(from, host), text), guest: guestPath(guest), readOnly };
};

const existing = (host: string, text: string): string => {
  try {
    if (statSync(host).isDirectory()) return noProcess(realpathSync(host), text);
  } catch (error) {
    if (error instanceof Fault) throw error;
    const code = errno(error);
    if (code === "ENOENT" || code === "ENOTDIR")
      throw fault("LK0702", `The folder ${host} of --dir ${text} does not exist`, {
        hint: `mkdir -p ${host}`,
        cause: error,
      });
    throw fault("LK0702", `The folder ${host} of --dir ${text} cannot be read: ${(error as Error).message}`, {
      cause: error,
    });
  }
  throw fault("LK0702", `A folder was looked for at ${host}, and a file is there`, {
    hint: "grant the folder that holds it, read-only: --dir FOLDER:ro",
  });
};

/** What lies below /proc are no files but processes, loop's own among them: its memory, and the variables it has. */
const noProcess = (host: string, text: string): string => {
  if (process.platform !== "linux" || !/^\/proc(\/|$)/.test(host)) return host;
  throw fault("LK0702", `The folder ${host} of --dir ${text} shows processes, which no component is shown`);
};

/** "data/" and "data" are one name to a guest; the root and "." stay as they are. */
const guestPath = (guest: string): string => guest.replace(/(?<=.)\/+$/, "");
