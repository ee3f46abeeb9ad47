import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Folders in use. A person may end the program in the middle of work that still runs on another thread. */
const open = new Set<string>();

const remove = (folder: string): void => {
  open.delete(folder);
  rmSync(folder, { recursive: true, force: true });
};

/** Gives `work` a new folder of its own, which is gone afterwards, also where the program ends meanwhile. */
export const inTemporaryFolder = async <T>(
  prefix: string,
  work: (folder: string) => Promise<T>,
): Promise<T> => {
  const folder = mkdtempSync(join(tmpdir(), prefix));
  if (process.listenerCount("exit", removeAll) === 0) process.on("exit", removeAll);
  open.add(folder);
  try {
    return await work(folder);
  } finally {
    remove(folder);
  }
};

const removeAll = (): void => [...open].forEach(remove);
